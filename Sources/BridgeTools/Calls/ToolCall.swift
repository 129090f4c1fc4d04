public import BridgeSessions
internal import Synchronization
internal import Threads

/// One call of a tool, from its start to its outcome.
///
/// Thread-safe. Whoever made the call cancels it and tells it of room for chunks; the tool asks it about
/// its time, answers through it, and ends it.
// @unchecked: `state` is guarded by the lock.
public final class ToolCall: @unchecked Sendable {
  /// What the call was made of.
  public struct Request: Sendable {
    /// The arguments, checked against the tool's declaration.
    public var arguments: Arguments
    /// The request's metadata.
    public var metadata: VariableMetadata
    /// Nanoseconds of `MonotonicClock`; nil without a deadline.
    public var deadline: Int64?
    /// Whether chunks go anywhere.
    public var isStreaming: Bool
    /// How many calls of tools this one is inside of.
    public var depth: Int
    /// Whose call it is: the calls of one client leave some threads to others. Nil counts for nobody.
    public var client: UInt64?

    /// A request to run a tool.
    public init(
      arguments: Arguments, metadata: VariableMetadata = [:], deadline: Int64? = nil,
      isStreaming: Bool = false, depth: Int = 0, client: UInt64? = nil
    ) {
      self.arguments = arguments
      self.metadata = metadata
      self.deadline = deadline
      self.isStreaming = isStreaming
      self.depth = depth
      self.client = client
    }
  }

  /// Why a call must end. The numbers are gRPC's.
  public enum Cancellation: Int32, Sendable {
    case cancelled = 1
    case deadlineExceeded = 4
  }

  /// The tool that runs.
  public var tool: ToolDescription { described.tool }
  /// The same; a call holds it with one reference.
  let described: DescribedTool
  /// What the call was made of.
  public let request: Request
  /// What the tool may ask for, within what it declares.
  public let services: any CallServices
  /// Whether the tool may wait in its function: not on an event loop.
  public var mayBlock: Bool { !runsWhereNothingWaits.load(ordering: .relaxed) }
  private let runsWhereNothingWaits = Atomic<Bool>(false)
  /// The call whose tool has made this one.
  let caller: ToolCall?
  /// What holds the tool's writes back: its own transaction, where it is atomic, or that of the call that
  /// it is inside of.
  let transaction: VariableTransaction?
  /// Where the tool's own transaction is committed to; nil where it has none.
  private let committed: (any CallServices)?

  private let threads: ToolThreads
  private let state: Locked<State>
  private let ending: Ending

  /// What is done once the call has ended, after its observer has heard of it.
  enum Ending: Sendable {
    /// Gives back what a call of this process holds.
    case giveBack(AdmittedTool, any ToolSession, CallTurn?)
    case run(@Sendable () -> Void)
  }

  private struct State {
    var life = CallLife()
    /// Nil once the call has ended: an observer usually holds its call.
    var observer: (any ToolCallObserver)?
    var result = ToolValue.null
    /// Whether the observer has heard of the end.
    var isOver = false
    /// Nil in most calls.
    var extras: Extras?

    /// Those of this call, made when they are needed first.
    mutating func withExtras() -> Extras {
      if let extras { return extras }
      let new = Extras()
      extras = new
      return new
    }
  }

  /// What few calls have.
  // @unchecked: guarded by the call's lock.
  private final class Extras: @unchecked Sendable {
    /// For threads that wait, made when the first one does.
    var condition: Condition?
    var listeners: [UInt64: @Sendable (Cancellation) -> Void] = [:]
    var lastListener: UInt64 = 0
    /// Waits for room for a chunk.
    var roomListener: (@Sendable () -> Void)?
    var binaryResult: Blob?
    var annotations: VariableMetadata = [:]
    var failure: ToolFailure?
    /// The tool, while the call waits for a thread: whoever waits for the call may run it.
    var waitingTool: (any Tool)?
  }

  /// - Parameters:
  ///   - services: Given to the tool as far as it declares their use.
  ///   - threads: Those that tell listeners of a cancellation.
  ///   - caller: The call whose tool has made this one.
  ///   - observer: Kept until the call has ended.
  ///   - ended: Called once when the call has ended, after the observer has heard of it.
  public convenience init(
    of tool: ToolDescription, _ request: Request, services: any CallServices, threads: ToolThreads,
    caller: ToolCall? = nil, observer: any ToolCallObserver,
    ended: @escaping @Sendable () -> Void = {}
  ) {
    self.init(
      of: DescribedTool(tool), request, services: services, threads: threads, caller: caller,
      observer: observer, ending: .run(ended))
  }

  init(
    of described: DescribedTool, _ request: consuming Request,
    services: consuming any CallServices, threads: ToolThreads, caller: ToolCall?,
    observer: any ToolCallObserver, ending: consuming Ending
  ) {
    self.described = described
    self.request = request
    self.threads = threads
    self.caller = caller
    self.ending = ending
    state = Locked(State(observer: observer))
    let outer = caller?.transaction
    if described.usesServicesFreely && outer == nil {
      (self.services, transaction, committed) = (services, nil, nil)
    } else {
      (self.services, transaction, committed) = Self.limited(services, for: described, outer)
    }
  }

  /// What stands before services that a tool does not use freely.
  ///
  /// - Parameter outer: The transaction of the call that this one is inside of.
  /// - Returns: What the tool may use, the transaction it writes to, and where its own one is committed to.
  private static func limited(
    _ services: any CallServices, for described: DescribedTool, _ outer: VariableTransaction?
  ) -> (any CallServices, VariableTransaction?, committed: (any CallServices)?) {
    let name = described.tool.name
    var services = services
    if let outer {
      services = TransactionServices(transaction: outer, services: services, tool: name)
    }
    var transaction = outer
    var committed: (any CallServices)?
    if described.isTransaction {
      let own = VariableTransaction()
      committed = services
      services = TransactionServices(transaction: own, services: services, tool: name)
      transaction = own
    }
    if described.isRestricted {
      services = DeclaredServices(described: described, services: services)
    }
    return (services, transaction, committed)
  }

  /// The arguments, checked against the tool's declaration.
  public var arguments: Arguments { request.arguments }
  /// The request's metadata.
  public var metadata: VariableMetadata { request.metadata }

  // MARK: From whoever made the call

  /// The tool is to run where nothing may wait. Before it runs.
  func mustNotBlock() { runsWhereNothingWaits.store(true, ordering: .relaxed) }

  /// Asks the tool to end: its listeners are told, and it hears of it at its next look.
  public func cancel(_ reason: Cancellation) {
    state.withLock { cancel(&$0, reason) }
    wakeWaiters()
  }

  /// There is room for chunks again.
  public func roomIsAvailable() {
    let listener = state.withLock { state in
      state.life.roomIsAvailable()
      guard let extras = state.extras else { return (@Sendable () -> Void)?.none }
      defer { extras.roomListener = nil }
      return extras.roomListener
    }
    wakeWaiters()
    listener?()
  }

  /// Calls `body` once when a chunk would be taken: at once, when it would be now. It must be quick. There
  /// is one such wish at a time.
  public func whenRoom(_ body: @escaping @Sendable () -> Void) {
    let hasRoom = state.withLock { state in
      if !state.life.hasRoom { state.withExtras().roomListener = body }
      return state.life.hasRoom
    }
    if hasRoom { body() }
  }

  /// Runs the tool, on the calling thread; or ends the call, when its time was over before it began.
  public func run(_ tool: any Tool) {
    let begin = state.withLock { state in
      state.extras?.waitingTool = nil
      // Looks at the deadline, too.
      _ = checked(&state)
      return state.life.begin()
    }
    // Whoever waits for a call that has not begun is told by its end.
    switch begin {
    case .run: tool.run(self)
    case .end(let reason): finish(.failure(ToolFailure(reason, tool: self.tool.name)))
    case .nothing: break
    }
  }

  // MARK: Time

  /// Why the call must end, if it must.
  public var cancellation: Cancellation? {
    let (reason, isNew) = state.withLock { state in
      let before = state.life.cancellation
      return (checked(&state), before == nil)
    }
    if reason != nil && isNew { wakeWaiters() }
    return reason
  }

  /// Whether the call has neither ended nor been told to.
  package var isWanted: Bool {
    state.withLock { $0.life.phase != .finished && $0.life.cancellation == nil }
  }

  /// Nanoseconds left until the deadline: 0 when it has passed, nil without one.
  public var remaining: Int64? { request.deadline.map { max(0, max(0, $0) - MonotonicClock.now) } }

  private func checked(_ state: inout State) -> Cancellation? {
    if let cancellation = state.life.cancellation { return cancellation }
    guard let deadline = request.deadline, MonotonicClock.now >= deadline else { return nil }
    cancel(&state, .deadlineExceeded)
    return .deadlineExceeded
  }

  private func cancel(_ state: inout State, _ reason: Cancellation) {
    guard state.life.cancel(reason) else { return }
    guard let extras = state.extras else { return }
    for listener in extras.listeners.values { threads.tell { listener(reason) } }
    extras.listeners = [:]
  }

  /// Asks to be told, on a thread of the host and under no lock, when the call is to end: at once, when it
  /// is already. A listener is told once.
  ///
  /// - Returns: What `removeListener` takes; nil when the listener is being told already.
  public func onCancel(_ listener: @escaping @Sendable (Cancellation) -> Void) -> UInt64? {
    state.withLock { state in
      if let reason = checked(&state) {
        threads.tell { listener(reason) }
        return nil
      }
      let extras = state.withExtras()
      extras.lastListener += 1
      extras.listeners[extras.lastListener] = listener
      return extras.lastListener
    }
  }

  /// Takes a wish to be told back. A listener that is being told goes on.
  public func removeListener(_ number: UInt64?) {
    guard let number else { return }
    state.withLock { $0.extras?.listeners[number] = nil }
  }

  /// Waits until the time is over or the call must end.
  ///
  /// - Returns: Why the call must end, if it must.
  public func sleep(nanoseconds: Int64) -> Cancellation? {
    let (end, overflow) = MonotonicClock.now.addingReportingOverflow(max(0, nanoseconds))
    return wait(until: overflow ? nil : end) { _ in false }
  }

  /// Waits until a chunk would be taken or the call must end.
  ///
  /// - Returns: Why the call must end, if it must.
  public func waitForRoom() -> Cancellation? {
    wait(until: nil) { $0.hasRoom }
  }

  /// Waits for a moment, a cancellation, or `isDone`; `wakeWaiters` has it look.
  func wait(until moment: Int64?, _ isDone: (CallLife) -> Bool) -> Cancellation? {
    let condition = condition
    return condition.withLock {
      while true {
        let (reason, done) = state.withLock { (checked(&$0), isDone($0.life)) }
        if let reason { return reason }
        if done { return nil }
        let now = MonotonicClock.now
        if let moment, now >= moment { return nil }
        let end = min(moment ?? .max, request.deadline ?? .max)
        if end == .max { condition.wait() } else { _ = condition.wait(until: end) }
      }
    }
  }

  private var condition: Condition {
    state.withLock { state -> Condition in
      let extras = state.withExtras()
      if let condition = extras.condition { return condition }
      let condition = Condition()
      extras.condition = condition
      return condition
    }
  }

  /// Whoever waits looks at the state under the condition's lock, so that no wake is lost.
  func wakeWaiters() {
    guard let condition = state.withLock({ $0.extras?.condition }) else { return }
    condition.withLock { condition.broadcast() }
  }

  // MARK: Waiting for the end

  /// The call waits for a thread of the pool, and may run on another one meanwhile.
  func waitsForThread(to run: any Tool) {
    state.withLock { if $0.life.phase == .waiting { $0.withExtras().waitingTool = run } }
    wakeWaiters()
  }

  /// Waits until this call has ended, or its caller must end. While it waits for a thread itself it runs on
  /// this one: of the threads of the pool, all might be waiting like it.
  ///
  /// - Parameter caller: The call whose tool waits here.
  /// - Returns: Why the caller must end, if it must.
  public func join(from caller: ToolCall) -> Cancellation? {
    let condition = condition
    while true {
      if let tool = state.withLock({ $0.extras?.waitingTool }) {
        run(tool)
        continue
      }
      let step = condition.withLock { () -> (isOver: Bool, reason: Cancellation?)? in
        while true {
          let (isOver, canRun) = state.withLock {
            ($0.isOver, $0.extras?.waitingTool != nil)
          }
          if isOver { return (true, nil) }
          if let reason = caller.cancellation { return (true, reason) }
          if canRun { return nil }
          // A cancellation of the caller is one of this call, which wakes who waits.
          if let deadline = caller.request.deadline {
            _ = condition.wait(until: deadline)
          } else {
            condition.wait()
          }
        }
      }
      if let step { return step.reason }
    }
  }

  /// Runs what delivers something to the tool, on a thread of the host.
  public func deliver(_ body: @escaping @Sendable () -> Void) { threads.deliver(body) }

  /// Runs what serves the tool and may wait for the disk, on a thread of the host.
  public func serve(_ body: @escaping @Sendable () -> Void) { threads.serve(body) }

  /// The tool has ended the thread that it runs on, which waits for ever: threads of tools are replaced.
  public func loseThread() { threads.pool.loseThread() }

  // MARK: Answers of the tool

  /// Says how far the tool is.
  ///
  /// - Parameter fraction: From 0 to 1; what is outside counts as the nearer end, and what is no number
  ///   as 0.
  /// - Returns: Why the call must end, if it must.
  public func progress(_ fraction: Double, _ message: String) -> Cancellation? {
    state.withLock(\.observer)?
      .progressed(fraction.isNaN ? 0 : min(max(fraction, 0), 1), message)
    return cancellation
  }

  /// Sets the result; the last one counts.
  public func setResult(_ value: ToolValue) {
    // What is let go of may be memory that a plugin takes back, which it does under no lock.
    let old = state.withLock { state in
      if state.life.phase == .finished { return value }
      defer { state.result = value }
      return state.result
    }
    withExtendedLifetime(old) {}
  }

  /// Sets a binary result beside the result; the last one counts.
  public func setBinaryResult(_ blob: Blob) {
    let old = state.withLock { state -> Blob? in
      if state.life.phase == .finished { return blob }
      let extras = state.withExtras()
      defer { extras.binaryResult = blob }
      return extras.binaryResult
    }
    withExtendedLifetime(old) {}
  }

  /// Adds an entry to the answer's metadata.
  public func annotate(_ key: String, _ value: String) {
    state.withLock { $0.withExtras().annotations[key] = value }
  }

  /// Says why the tool fails; it counts when the call ends with a failure.
  public func setFailure(_ failure: ToolFailure) {
    state.withLock { $0.withExtras().failure = failure }
  }

  /// The failure that was set, if one was.
  public var failure: ToolFailure? { state.withLock { $0.extras?.failure } }

  /// What became of a chunk.
  public enum Emission: Sendable, Equatable {
    case taken
    /// The client is slower than the tool; nothing was taken.
    case full
    case cancelled(Cancellation)
    /// The call is over.
    case finished
  }

  /// Streams one chunk.
  public func emit(_ chunk: ToolValue) -> Emission {
    let (emission, observer) = state.withLock { state in
      _ = checked(&state)
      // `hasRoom` falls before the chunk goes out: room may be announced before `emitted` returns.
      return (state.life.emit(), state.observer)
    }
    switch emission {
    case .taken:
      if observer?.emitted(chunk) != false { roomIsAvailable() }
      return .taken
    case .full: return .full
    case .cancelled(let reason): return .cancelled(reason)
    case .finished: return .finished
    }
  }

  // MARK: The end

  /// Ends the call with what the tool has set: its result.
  public func finish() {
    guard let output = described.output else { return succeed(with: nil) }
    // A call that another one may wait for ends here and now.
    let mayTakeTime = mayBlock || caller != nil
    finish(
      state.withLock { $0.result }, of: output, mayTakeTime ? SearchBudget.ofTool() : .brief)
  }

  /// Ends the call with a result that is yet to be held to what the tool declares.
  private func finish(_ result: ToolValue, of output: OutputCheck, _ budget: SearchBudget) {
    var searches = budget
    do {
      succeed(with: try output.admit(result, &searches))
    } catch SearchInterruption.needsTime {
      threads.deliver { self.finish(result, of: output, .ofTool()) }
    } catch {
      finish(
        .failure(
          ToolFailure(
            code: 13, message: "\(tool.name) has not answered what it declares: \(error)",
            type: "invalid_result")))
    }
  }

  /// Ends the call with a failure: the one that the tool has set, if it has, or this one.
  public func fail(_ failure: ToolFailure) {
    end { .failure($0.extras?.failure ?? failure) }
  }

  /// Ends the call. Only the first end counts.
  public func finish(_ result: Result<ToolValue, ToolFailure>) {
    switch result {
    case .success(let value): succeed(with: value)
    case .failure: end { _ in result }
    }
  }

  /// - Parameter value: The result; nil for the one that the tool has set.
  private func succeed(with value: ToolValue?) {
    guard let transaction, let committed else { return end { .success(value ?? $0.result) } }
    let (result, step) = state.withLock { state in
      // Looks at the deadline, too.
      _ = checked(&state)
      return (value ?? state.result, state.life.beginCommit())
    }
    switch step {
    case .nothing: return
    case .end(let reason): end { _ in .failure(ToolFailure(reason, tool: self.tool.name)) }
    case .commit:
      // Storing may take its time, and what forwards calls runs where nothing may wait.
      if described.tool.execution == .forwarded {
        return threads.deliver { self.commit(transaction, to: committed, result) }
      }
      commit(transaction, to: committed, result)
    }
  }

  /// Makes the writes of an atomic tool, and ends its call.
  private func commit(
    _ transaction: VariableTransaction, to services: any CallServices, _ result: ToolValue
  ) {
    do {
      let changes = transaction.end()
      if !changes.isEmpty { try services.commit(changes) }
      end(afterCommit: true) { _ in .success(result) }
    } catch {
      end(afterCommit: true) { _ in
        .failure(ToolFailure(refusing: error, tool: self.tool.name))
      }
    }
  }

  /// What a call held until its end.
  private struct Rest {
    var observer: (any ToolCallObserver)?
    var result = ToolValue.null
    var extras: Extras?
  }

  /// - Parameter result: Answers what the call ends with, under no lock: what is let go of there may be
  ///   memory that a plugin takes back.
  private func end(
    afterCommit: Bool = false, _ result: (Rest) -> Result<ToolValue, ToolFailure>
  ) {
    var rest = Rest()
    let isFirst = state.withLock { state in
      guard state.life.finish(afterCommit: afterCommit) else { return false }
      swap(&rest.observer, &state.observer)
      swap(&rest.result, &state.result)
      rest.extras = state.extras
      return true
    }
    guard isFirst else { return }
    // What was not committed is dropped.
    if committed != nil { _ = transaction?.end() }
    if let observer = rest.observer { tell(observer, result(rest), rest.extras) }
    switch ending {
    case .giveBack(let tool, let session, let turn):
      session.endUse()
      turn?.callEnded()
      tool.release()
    case .run(let body): body()
    }
    let condition = state.withLock { state in
      state.isOver = true
      return state.extras?.condition
    }
    condition?.withLock { condition?.broadcast() }
  }

  /// Tells the observer of the end, with what the tool has set beside its result. Lets go of listeners.
  private func tell(
    _ observer: any ToolCallObserver, _ result: consuming Result<ToolValue, ToolFailure>,
    _ extras: Extras?
  ) {
    guard let extras else { return observer.finished(ToolOutcome(result)) }
    let (blob, annotations) = state.withLock { _ in
      defer { (extras.binaryResult, extras.listeners) = (nil, [:]) }
      return (extras.binaryResult, extras.annotations)
    }
    observer.finished(ToolOutcome(result, binaryResult: blob, metadata: annotations))
  }
}
