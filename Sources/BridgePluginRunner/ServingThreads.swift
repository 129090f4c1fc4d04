internal import BridgePluginChannel
internal import DequeModule
internal import Glibc
internal import Synchronization
internal import Threads

/// The threads of a plugin's process.
///
/// One of them, the reader, waits for messages. It runs calls of quick tools itself, one after another, and
/// their results go out together. Before a call that may take longer, and where it has to wait, another
/// thread becomes the reader. Should a call of a quick tool take long for once, the overseer does that.
///
/// Thread-safe.
// @unchecked: `state` is reached under the lock of `condition` only.
final class ServingThreads: @unchecked Sendable {
  typealias Call = HostMessage.CallToRun

  /// What the threads do.
  protocol Work: AnyObject, Sendable {
    /// Waits for a message, sees to what is in it, and passes its calls to `append`.
    func receive(into buffer: borrowing Channel.Buffer)
    /// Whether calls of its tool take next to no time.
    func isQuick(_ call: Call) -> Bool
    /// Runs a call.
    func run(_ call: Call)
    /// A call has kept its thread at work for so long, in nanoseconds.
    func took(_ time: Int64, _ call: Call)
    /// Ends a call that no thread can be had for.
    func refuse(_ call: Call)
    /// Sends what was put off.
    func flush()
  }

  /// One thread.
  private final class Member {
    let buffer = Channel.Buffer()
    /// How long its call has waited for the host, in nanoseconds.
    var waited: Int64 = 0
  }

  private struct State {
    var pending: Deque<Call> = []
    var reader: Member?
    /// Whether the reader runs a call meanwhile.
    var readerRuns = false
    /// Grows whenever a call begins or ends.
    var steps: UInt64 = 0
    /// Threads that wait for something to do, and how many others were told to go on but have not yet.
    var idle = 0
    var told = 0
    var overseer = Overseer.missing
  }

  private enum Overseer {
    case missing
    case asleep
    case awake
  }

  private let work: any Work
  private let condition = Condition()
  private var state = State()
  private let pendingCount = Atomic<Int>(0)
  /// Has the overseer go on.
  private let alarm = Condition()
  private let isAlarmed = Atomic<Bool>(false)

  /// More threads than these do not wait: they end.
  private static let idleLimit = 8
  /// How often the overseer looks, in microseconds.
  private static let tick: useconds_t = 1000
  /// After so many looks at which nothing has happened it sleeps.
  private static let quietTicks = 3

  init(_ work: any Work) { self.work = work }

  /// Whether calls wait for a thread; a hint.
  var hasPending: Bool { pendingCount.load(ordering: .relaxed) > 0 }

  /// Whether the calling thread is one of these.
  var isOwnThread: Bool { Self.member != nil }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  private static var member: Member? {
    pthread_getspecific(key).map { Unmanaged<Member>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: A thread

  private enum Step {
    case run(Call)
    case read
    case wait
    case end
  }

  /// Serves on the calling thread for as long as it is needed.
  func serve() {
    let member = Member()
    pthread_setspecific(Self.key, Unmanaged.passUnretained(member).toOpaque())
    defer { pthread_setspecific(Self.key, nil) }
    while true {
      switch next(member) {
      case .run(let call): run(call, member)
      case .read:
        work.flush()
        work.receive(into: member.buffer)
      case .wait:
        work.flush()
        waitUntilTold()
      case .end: return work.flush()
      }
    }
  }

  private func next(_ member: Member) -> Step {
    condition.withLock {
      if let call = state.pending.popFirst() {
        pendingCount.store(state.pending.count, ordering: .relaxed)
        state.steps &+= 1
        return .run(call)
      }
      if state.reader == nil { state.reader = member }
      if state.reader === member { return .read }
      if state.idle == Self.idleLimit { return .end }
      state.idle += 1
      return .wait
    }
  }

  private func waitUntilTold() {
    condition.withLock {
      while state.told == 0 { condition.wait() }
      state.told -= 1
    }
  }

  private func run(_ call: Call, _ member: Member) {
    let isQuick = work.isQuick(call)
    let needsAnother = condition.withLock {
      if state.reader === member {
        if isQuick { state.readerRuns = true } else { state.reader = nil }
      }
      return state.reader == nil || (!isQuick && !state.pending.isEmpty)
    }
    if isQuick { wakeOverseer() } else { work.flush() }
    if needsAnother && !wakeAnother() {
      // This thread goes on reading.
      work.refuse(call)
    } else {
      member.waited = 0
      let start = MonotonicClock.now
      work.run(call)
      work.took(MonotonicClock.now - start - member.waited, call)
    }
    condition.withLock {
      guard state.reader === member else { return }
      state.readerRuns = false
      state.steps &+= 1
    }
  }

  /// Has one more thread look for something to do.
  ///
  /// - Returns: false when the system has no more threads.
  private func wakeAnother() -> Bool {
    let isTold = condition.withLock {
      guard state.idle > 0 else { return false }
      state.idle -= 1
      state.told += 1
      condition.signal()
      return true
    }
    return isTold
      || startThread(named: "plugin") {
        ChildSystem.enterThread()
        self.serve()
        ChildSystem.leaveThread()
      }
  }

  // MARK: Messages

  /// Calls have come, which the next threads that are free run.
  func append(_ calls: [Call]) {
    condition.withLock {
      state.pending.append(contentsOf: calls)
      pendingCount.store(state.pending.count, ordering: .relaxed)
    }
  }

  /// The calling thread is about to wait for something that the host or another call has to do.
  func handOver() {
    guard let member = Self.member else { return }
    let wasReader = condition.withLock {
      guard state.reader === member else { return false }
      (state.reader, state.readerRuns) = (nil, false)
      return true
    }
    // Where there is no thread, the overseer goes on trying.
    if wasReader && !wakeAnother() { wakeOverseer() }
  }

  /// Waits until there is something; the reader reads meanwhile.
  ///
  /// - Parameters:
  ///   - take: Gives it, or nil while it is not there.
  ///   - wait: Waits for it, on a thread that does not read.
  func wait<Value>(take: () -> Value?, orWait wait: () -> Value) -> Value {
    guard let member = Self.member else { return wait() }
    let start = MonotonicClock.now
    defer { member.waited += MonotonicClock.now - start }
    while isReader(member, runs: false) {
      if let value = take() {
        _ = isReader(member, runs: true)
        return value
      }
      work.receive(into: member.buffer)
      // This thread has a call of its own.
      if hasPending { _ = wakeAnother() }
    }
    return wait()
  }

  private func isReader(_ member: Member, runs: Bool) -> Bool {
    condition.withLock {
      guard state.reader === member else { return false }
      state.readerRuns = runs
      state.steps &+= 1
      return true
    }
  }

  /// Does something that is no work of the call's on this thread, as sending its result.
  func apart<Result>(_ body: () -> Result) -> Result {
    guard let member = Self.member else { return body() }
    let start = MonotonicClock.now
    defer { member.waited += MonotonicClock.now - start }
    return body()
  }

  // MARK: The overseer

  private func wakeOverseer() {
    let before = condition.withLock {
      defer { state.overseer = .awake }
      return state.overseer
    }
    switch before {
    case .awake: break
    case .asleep:
      isAlarmed.store(true, ordering: .releasing)
      alarm.withLock { alarm.signal() }
    case .missing:
      // Without one, a call that lasts holds the others up.
      if !startThread(named: "plugin-overseer", { self.oversee() }) {
        condition.withLock { state.overseer = .missing }
      }
    }
  }

  private func oversee() {
    var last: UInt64 = 0
    var quiet = 0
    while true {
      usleep(Self.tick)
      work.flush()
      let (isStuck, mayRest) = condition.withLock {
        let isStill = state.steps == last
        let isStuck =
          state.reader == nil || isStill && (state.readerRuns || !state.pending.isEmpty)
        if isStuck && state.readerRuns { (state.reader, state.readerRuns) = (nil, false) }
        last = state.steps
        quiet = isStill && !isStuck ? quiet + 1 : 0
        let mayRest = quiet == Self.quietTicks
        if mayRest { state.overseer = .asleep }
        return (isStuck, mayRest)
      }
      if isStuck { _ = wakeAnother() }
      if mayRest { rest() }
    }
  }

  private func rest() {
    alarm.withLock {
      while !isAlarmed.exchange(false, ordering: .acquiring) { alarm.wait() }
    }
  }
}
