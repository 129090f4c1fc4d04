internal import BridgePluginChannel
internal import BridgeSessions
internal import BridgeTools
internal import DequeModule
internal import Glibc
internal import Logging
internal import Synchronization
internal import Threads
internal import TrustedFiles

/// One process of a plugin: its channel, and the calls that run in it.
///
/// A thread of its own reads what the process says. It never waits for the process: what that does not take
/// at once waits in a queue. Thread-safe.
// @unchecked: `number` is set before others see this.
final class Child: Turn.Work, @unchecked Sendable {
  private let channel: Channel
  private let outgoing = Locked(Outgoing())
  /// Wakes the thread: there is something to send, or to watch over.
  private let wake: FileDescriptor
  private let runner: PluginRunner
  private let owner: any ChildOwner
  private var number: UInt64 = 0
  private let state = Locked(State())

  private struct Outgoing: ~Copyable {
    var outbox = Outbox()
    /// The process does not take more for now: the thread sends what waits once it does.
    var isFull = false

    mutating func send(on channel: Channel) {
      let sent = outbox.send(on: channel, waits: false)
      isFull = sent == .full
      if sent == .closed { outbox.removeAll() }
    }
  }

  private struct State {
    var calls: [UInt64: ChildCall] = [:]
    var watches: [UInt64: ChildWatch] = [:]
    var nested: [UInt64: ToolCall] = [:]
    /// Calls that are to end, with the moment from which on the process is ended for them, in order.
    var lastMoments: Deque<(moment: Int64, call: UInt64)> = []
    var process: Int32?
    var crash: CrashRecord?
    /// Why the host has ended the process.
    var killReason: String?
    /// What is known of the end of the process.
    var end: ChildEnd?
    var isStopping = false
    /// When the plugin must have started; nil once it has.
    var startLimit: Int64?
    /// Whether it is known if the plugin has started.
    var hasAnswered = false
    /// No call is taken any more.
    var isOver = false
  }

  private let grace: Int64
  /// So much waits at most for a process that does not read: bytes, without large values.
  private static let unreadLimit = 64 << 20
  /// How long it is waited for the runner to tell how a process ended.
  private static let patience: Int64 = 1_000_000_000

  /// Starts a process and has it load a plugin. The owner hears of all that follows, on the child's thread.
  ///
  /// - Returns: nil with a reason where the system has no room for it.
  ///
  /// - Parameters:
  ///   - files: Descriptors of the plugin's files, in the order of the message.
  ///   - startTime: How long it may take until the plugin has started, in nanoseconds.
  ///   - grace: What a call that must end has left before the process is ended, in nanoseconds.
  static func start(
    _ plugin: HostMessage.PluginToLoad, files: [CInt], _ limits: ResourceLimits,
    startTime: Int64, grace: Int64, by runner: PluginRunner, owner: any ChildOwner
  ) -> Result<Child, ToolFailure> {
    let wake = ChildSystem.makeEvent()
    guard wake >= 0, let (ours, theirs) = Channel.pair() else {
      let reason = String(cString: strerror(errno))
      if wake >= 0 { close(wake) }
      return .failure(Self.noRoom(reason))
    }
    let child = Child(ours, FileDescriptor(owning: wake), grace: grace, by: runner, owner: owner)
    child.state.withLock { $0.startLimit = MonotonicClock.now + startTime }
    child.send(.load(plugin))
    for file in files {
      guard child.outgoing.withLock({ $0.outbox.append(file: file) }) else {
        let reason = String(cString: strerror(errno))
        close(theirs)
        return .failure(Self.noRoom(reason))
      }
      Turn.putOff(child)
    }
    child.number = runner.start(child, channel: FileDescriptor(owning: theirs), limits)
    guard startThread(named: "plugin-channel", { child.run() }) else {
      child.kill("the system has no more threads")
      return .failure(Self.noRoom("no more threads"))
    }
    return .success(child)
  }

  private static func noRoom(_ reason: String) -> ToolFailure {
    ToolFailure(
      code: 8, message: "no process can be made for a plugin: \(reason)", type: "limit",
      isRetryable: true)
  }

  init(
    _ channel: Channel, _ wake: consuming FileDescriptor, grace: Int64, by runner: PluginRunner,
    owner: any ChildOwner
  ) {
    self.channel = channel
    self.wake = wake
    self.grace = grace
    self.runner = runner
    self.owner = owner
  }

  /// The id of the process; nil before it has one.
  var process: Int32? { state.withLock(\.process) }

  // MARK: From the runner

  func started(process: Int32) { state.withLock { $0.process = process } }

  func processFailed(_ reason: String) { ended(.failed(reason)) }

  func processWasExhausted() {
    state.withLock { state in
      if state.killReason == nil { state.killReason = "it has taken more than its memory_bytes" }
    }
  }

  func processEnded(_ status: Int32) { ended(.exited(status: status)) }

  private func ended(_ end: ChildEnd) {
    state.withLock { if $0.end == nil { $0.end = end } }
    // What it has started may still hold its end of the channel.
    channel.close()
    wakeThread()
  }

  // MARK: To the process

  /// Ends the process at once. Its calls fail with the reason.
  func kill(_ reason: String) {
    state.withLock { if $0.killReason == nil { $0.killReason = reason } }
    runner.kill(number)
  }

  /// Asks the plugin to stop, and the process to end.
  func stop() {
    state.withLock { $0.isStopping = true }
    send(.stop)
  }

  /// Ends the process, which is not needed any more.
  func discard() {
    state.withLock { $0.isStopping = true }
    runner.kill(number)
  }

  /// Whether the process has ended, as far as is known.
  var hasEnded: Bool { state.withLock { $0.isOver || $0.end != nil } }

  /// Sends a call to the process.
  ///
  /// - Returns: false when the process has ended; the call was not sent.
  func start(_ call: ChildCall) -> Bool {
    let isKnown = state.withLock { state in
      if state.isOver || state.end != nil { return false }
      state.calls[call.number] = call
      return true
    }
    if isKnown { send(.call(call.message)) }
    return isKnown
  }

  /// A call must end. Should it not, the process does.
  func cancel(_ call: UInt64, _ reason: ToolCall.Cancellation) {
    let isFirst = state.withLock { state in
      guard state.calls[call] != nil else { return false }
      state.lastMoments.append((MonotonicClock.now + grace, call))
      return true
    }
    guard isFirst else { return }
    send(.cancel(call: call, reason))
    // It has to look at the time from now on.
    wakeThread()
  }

  /// Sends a message, with others of the thread's turn.
  func send(_ message: HostMessage) {
    let frame = message.frame
    let (isTaken, isTooMuch) = outgoing.withLock { outgoing in
      (
        outgoing.outbox.append(frame, lending: channel.memory),
        outgoing.isFull && outgoing.outbox.count > Self.unreadLimit
      )
    }
    guard isTaken else { return kill("there is no memory for what is to be sent to it") }
    if isTooMuch { kill("it does not read what is sent to it") }
    Turn.putOff(self)
  }

  func turnEnds() {
    let isFull = outgoing.withLock { outgoing -> Bool in
      // In order: the thread sends what waits already.
      if outgoing.isFull { return false }
      // Where the process is gone, its thread is about to see it.
      outgoing.send(on: channel)
      return outgoing.isFull
    }
    if isFull { wakeThread() }
  }

  private func wakeThread() {
    var one: UInt64 = 1
    _ = write(wake.number, &one, 8)
  }

  // MARK: The thread

  /// Reads what the process says until its end.
  func run() {
    let buffer = Channel.Buffer()
    channel.memory.whenUsed { [weak self] in self?.wakeThread() }
    var isOpen = true
    while isOpen {
      let wantsRoom = outgoing.withLock { $0.isFull }
      let moment = state.withLock { state in
        [state.lastMoments.first?.moment, state.startLimit, channel.memory.idleMoment]
          .compactMap { $0 }.min()
      }
      var descriptors = [
        pollfd(
          fd: channel.socket.number, events: Int16(POLLIN) | (wantsRoom ? Int16(POLLOUT) : 0),
          revents: 0),
        pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&descriptors, 2, Self.milliseconds(until: moment))
      if descriptors[1].revents != 0 {
        var count: UInt64 = 0
        _ = read(wake.number, &count, 8)
      }
      if wantsRoom && descriptors[0].revents != 0 { flush() }
      endWhatIsLate()
      giveUpMemory()
      if descriptors[0].revents & ~Int16(POLLOUT) != 0 { isOpen = receive(buffer) }
    }
    finish()
  }

  private static func milliseconds(until moment: Int64?) -> CInt {
    guard let moment else { return -1 }
    return CInt(clamping: max(0, (moment - MonotonicClock.now + 999_999) / 1_000_000))
  }

  private func flush() {
    outgoing.withLock { $0.send(on: channel) }
  }

  private func giveUpMemory() {
    guard let moment = channel.memory.idleMoment, moment <= MonotonicClock.now else { return }
    channel.memory.trimIfIdle(at: MonotonicClock.now)
    turnEnds()
  }

  private func endWhatIsLate() {
    let now = MonotonicClock.now
    let reason = state.withLock { state -> String? in
      if let limit = state.startLimit, limit <= now {
        state.startLimit = nil
        return "it has not started in time"
      }
      while let first = state.lastMoments.first, first.moment <= now {
        state.lastMoments.removeFirst()
        if let call = state.calls[first.call] {
          let seconds = Double(grace) / 1_000_000_000
          return "\(call.call.tool.name) has not ended \(seconds) seconds after it had to"
        }
      }
      return nil
    }
    if let reason { kill(reason) }
  }

  /// Reads a message, if one is there.
  ///
  /// - Returns: Whether more may come.
  private func receive(_ buffer: borrowing Channel.Buffer) -> Bool {
    do {
      let received = try Turn.run {
        try channel.receive(into: buffer, waits: false) { try handle(try ChildMessage(&$0)) }
      }
      switch received {
      case .frames, .nothing: return true
      // Told twice: the second one has the stack.
      case .crash(let record): state.withLock { $0.crash = record }
      case .end: return false
      }
      return true
    } catch {
      kill("it has sent what is no message: \(error)")
      channel.close()
      return false
    }
  }

  private func handle(_ message: ChildMessage) throws(MalformedFrame) {
    switch message {
    case .loaded(let plugin):
      try takeAnswer()
      owner.loaded(plugin, by: self)
    case .refused(let reason):
      try takeAnswer()
      isOver(.failed(reason))
      owner.refused(reason, by: self)
    case .progress(let number, let fraction, let text):
      _ = call(number)?.call.progress(fraction, text)
    case .chunk(let number, let chunk): call(number)?.emit(chunk, to: self)
    case .returned(let number):
      if let call = call(number), call.returned() {
        owner.returned(call, hasEnded: false, in: self)
      }
    case .finished(let number, let outcome):
      guard let call = state.withLock({ $0.calls.removeValue(forKey: number) }) else { return }
      // Before the end is told: whoever hears of it may call at once.
      if call.returned() {
        owner.returned(call, hasEnded: true, in: self)
      } else {
        owner.finished(call, in: self)
      }
      call.finish(outcome)
    case .request(let number, let callNumber, let request):
      guard let call = call(callNumber) else {
        return send(.reply(request: number, .failure(Self.callIsOver)))
      }
      call.serve(request, number, for: self)
    case .delivered(let number, let wantsMore):
      state.withLock({ $0.watches[number] })?.delivered(wantsMore: wantsMore)
    case .unwatch(let number):
      state.withLock { $0.watches.removeValue(forKey: number) }?.cancel()
    case .nestedRoom(let number): state.withLock({ $0.nested[number] })?.roomIsAvailable()
    case .nestedCancel(let number, let reason):
      state.withLock({ $0.nested[number] })?.cancel(reason)
    case .log(let number, let level, let text, let metadata):
      if let number, let call = call(number) {
        return call.call.services.log(level, text, from: call.call)
      }
      owner.log(level, text, metadata)
    case .stopped:
      let wasAsked = state.withLock(\.isStopping)
      isOver(wasAsked ? .stopped : .failed("it has stopped, and nobody had asked it to"))
    }
  }

  /// The process says whether it has loaded its plugin: once.
  private func takeAnswer() throws(MalformedFrame) {
    let isFirst = state.withLock { state in
      defer { (state.startLimit, state.hasAnswered) = (nil, true) }
      return !state.hasAnswered
    }
    if !isFirst { throw MalformedFrame("it has said before whether it has loaded its plugin") }
  }

  /// The process says that it is about to end: from now on it is of no use, whatever it does.
  private func isOver(_ end: ChildEnd) {
    state.withLock { if $0.end == nil { $0.end = end } }
    runner.kill(number)
  }

  private static let callIsOver = SessionError(.failedPrecondition, "the call is over")

  private func call(_ number: UInt64) -> ChildCall? { state.withLock { $0.calls[number] } }

  // MARK: What calls hold here

  func keep(_ watch: ChildWatch, as number: UInt64) {
    let isOver = state.withLock { state in
      if !state.isOver { state.watches[number] = watch }
      return state.isOver
    }
    if isOver { watch.cancel() }
  }

  func forgetWatch(_ number: UInt64) { state.withLock { $0.watches[number] = nil } }

  func keep(nested call: ToolCall, as number: UInt64) {
    let isOver = state.withLock { state in
      if !state.isOver { state.nested[number] = call }
      return state.isOver
    }
    if isOver { call.cancel(.cancelled) }
  }

  func forgetNested(_ number: UInt64) { state.withLock { $0.nested[number] = nil } }

  // MARK: The end

  /// The channel is at its end: finds out why, and ends what is left.
  private func finish() {
    let limit = MonotonicClock.now + Self.patience
    while state.withLock({ $0.end == nil }) && MonotonicClock.now < limit {
      var descriptor = pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0)
      _ = poll(&descriptor, 1, Self.milliseconds(until: limit))
      var count: UInt64 = 0
      _ = read(wake.number, &count, 8)
    }
    // What has closed its channel without ending is of no use.
    runner.kill(number)
    channel.close()
    let (end, calls, watches, nested) = state.withLock { state in
      state.isOver = true
      let end = Self.reason(state)
      defer { (state.calls, state.watches, state.nested) = ([:], [:], [:]) }
      return (end, state.calls, state.watches, state.nested)
    }
    outgoing.withLock { $0.outbox.removeAll() }
    channel.memory.close()
    for watch in watches.values { watch.cancel() }
    for call in nested.values { call.cancel(.cancelled) }
    owner.ended(end, calls: Array(calls.values), child: self)
  }

  private static func reason(_ state: State) -> ChildEnd {
    if let crash = state.crash { return .crashed(crash) }
    if let reason = state.killReason { return .killed(reason) }
    if state.isStopping { return .stopped }
    return state.end ?? .failed("it has closed its channel")
  }
}

/// Who has a child made.
protocol ChildOwner: AnyObject, Sendable {
  func loaded(_ plugin: ChildMessage.LoadedPlugin, by child: Child)
  func refused(_ reason: String, by child: Child)
  /// The function of a call has returned, or the call has ended: it comes once for each.
  ///
  /// - Parameter hasEnded: Whether the call has ended.
  func returned(_ call: ChildCall, hasEnded: Bool, in child: Child)
  /// A call has ended whose function had returned before.
  func finished(_ call: ChildCall, in child: Child)
  func log(_ level: Logger.Level, _ message: String, _ metadata: [String: String])
  /// The process has ended.
  ///
  /// - Parameter calls: Those that ran in it; the owner ends them.
  func ended(_ end: ChildEnd, calls: [ChildCall], child: Child?)
}
