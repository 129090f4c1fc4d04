internal import BridgePluginHost
internal import BridgeSessions
public import BridgeTools
internal import Logging
internal import Threads

extension TestHost {
  /// Calls a tool and waits for its end.
  ///
  /// - Parameters:
  ///   - arguments: Checked against what the tool declares, as a client's are.
  ///   - session: Nil stands for `session`.
  /// - Throws: `TestHostError` of the kinds `calling` and `stillRunning`. A tool that fails is none.
  public func call(
    _ tool: String, _ arguments: [String: TestValue] = [:], in session: TestSession? = nil,
    options: CallOptions = CallOptions()
  ) throws(TestHostError) -> CallRecord {
    let running = try start(tool, arguments, in: session, options: options)
    return try running.wait()
  }

  /// Calls a tool, and leaves the thread to others meanwhile.
  ///
  /// - Throws: As the other `call`.
  public func call(
    _ tool: String, _ arguments: [String: TestValue] = [:], in session: TestSession? = nil,
    options: CallOptions = CallOptions()
  ) async throws(TestHostError) -> CallRecord {
    return try await start(tool, arguments, in: session, options: options).wait()
  }

  /// Starts a call, for tests that do something while it runs: write a variable, cancel it, start others.
  ///
  /// - Throws: `TestHostError` of the kind `calling`.
  public func start(
    _ tool: String, _ arguments: [String: TestValue] = [:], in session: TestSession? = nil,
    options: CallOptions = CallOptions()
  ) throws(TestHostError) -> RunningCall {
    let trace = CallTrace(
      faults: options.faults,
      deadline: clock.flatMap { clock in
        options.deadline.map { Self.moment(clock.now, plus: $0) }
      })
    let name = inspector.add(trace)
    let running = RunningCall(tool, trace, options, clock: clock) { [inspector] in
      inspector.remove(name)
    }
    do {
      let admitted = try tools.registry.admit(tool)
      var searches = SearchBudget()
      var metadata = options.metadata
      metadata[CallTrace.key] = name
      let sources = arguments.map { TestArgument(name: $0.key, given: $0.value) }
      let request = ToolCall.Request(
        arguments: try Arguments(sources, for: admitted.description, &searches),
        metadata: VariableMetadata(lastOf: metadata.map { (key: $0.key, value: $0.value) }),
        deadline: clock == nil
          ? options.deadline.map { Self.moment(MonotonicClock.now, plus: $0) } : nil,
        isStreaming: options.isStreaming ?? admitted.description.streams)
      let place = HostedSession(session ?? self.session, self, trace)
      let call = try tools.start(
        admitted, request, in: place, onEventLoop: false, observer: running)
      running.began(call)
      if let deadline = request.deadline { tools.threads.cancel(call, at: deadline) }
    } catch {
      inspector.remove(name)
      throw TestHostError(.calling, "\(error)")
    }
    return running
  }

  private static func moment(_ now: Int64, plus nanoseconds: Int64) -> Int64 {
    let (moment, overflow) = now.addingReportingOverflow(nanoseconds)
    return overflow ? .max : moment
  }
}

/// A call that may still run.
///
/// Thread-safe.
public final class RunningCall: Sendable {
  private let tool: String
  private let trace: CallTrace
  private let options: CallOptions
  private let ended: @Sendable () -> Void
  private let condition = Condition()
  private let state = Locked(State())
  private let begin = MonotonicClock.now

  private struct State {
    var call: ToolCall?
    var outcome: ToolOutcome?
    var end: Int64 = 0
    var chunks: [TestValue] = []
    var progress: [CallRecord.Progress] = []
    var forgetClock: (@Sendable () -> Void)?
  }

  init(
    _ tool: String, _ trace: CallTrace, _ options: CallOptions, clock: TestClock?,
    ended: @escaping @Sendable () -> Void
  ) {
    self.tool = tool
    self.trace = trace
    self.options = options
    self.ended = ended
    guard let clock, let deadline = trace.deadline else { return }
    let number = clock.whenMoved { [weak self] now in
      if now >= deadline { self?.cancel(.deadlineExceeded) }
    }
    state.withLock { $0.forgetClock = { clock.forget(number) } }
  }

  func began(_ call: ToolCall) {
    state.withLock { $0.call = call }
    for fault in options.faults where fault.moment == .start { apply(fault.effect) }
  }

  private func apply(_ effect: Fault.Effect) {
    switch effect {
    case .cancel: cancel(.cancelled)
    case .deadline: cancel(.deadlineExceeded)
    case .fail: break
    }
  }

  private func cancel(_ reason: ToolCall.Cancellation) {
    state.withLock { $0.call }?.cancel(reason)
  }

  /// Asks the tool to end, as a client does that no longer wants the answer.
  public func cancel() { cancel(.cancelled) }

  /// Whether it has ended.
  public var hasEnded: Bool { state.withLock { $0.outcome != nil } }

  /// What it has emitted so far.
  public var chunks: [TestValue] { state.withLock { $0.chunks } }

  /// Waits for the end.
  ///
  /// - Throws: `TestHostError` of the kind `stillRunning`, when the time-out of the options is over. The call
  ///   is cancelled then.
  public func wait() throws(TestHostError) -> CallRecord {
    let hasEnded = condition.withLock { () -> Bool in
      var moments = options.faults.compactMap { fault -> (at: Int64, effect: Fault.Effect)? in
        guard case .after(let delay) = fault.moment else { return nil }
        return (begin + delay, fault.effect)
      }
      let limit = MonotonicClock.now.addingReportingOverflow(options.timeout)
      let end = limit.overflow ? Int64.max : limit.partialValue
      while state.withLock({ $0.outcome == nil }) {
        let now = MonotonicClock.now
        for moment in moments where now >= moment.at { apply(moment.effect) }
        moments.removeAll { now >= $0.at }
        // Who cannot wait for so long waits again.
        let next = moments.map(\.at).min() ?? .max
        if now >= end { return false }
        _ = condition.wait(until: min(end, next, now + 3_600_000_000_000))
      }
      return true
    }
    guard hasEnded else {
      cancel()
      throw TestHostError(
        .stillRunning,
        "\(tool) has not ended in \(Double(options.timeout) / 1e9) s; it was cancelled")
    }
    return record
  }

  /// Waits for the end, and leaves the thread to others meanwhile: to async tools of plugins in Swift, for one,
  /// which run on the threads that tests run on.
  ///
  /// - Throws: As the other `wait`.
  public func wait() async throws(TestHostError) -> CallRecord {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<CallRecord, TestHostError>, Never>) in
      let wait: @Sendable () -> Void = {
        do throws(TestHostError) {
          continuation.resume(returning: .success(try self.wait()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      if !startThread(named: "test-call", wait) { wait() }
    }
    return try result.get()
  }

  private var record: CallRecord {
    let state = state.withLock { $0 }
    let outcome = state.outcome!
    return CallRecord(
      tool: tool, result: outcome.result.map(\.owned), binary: outcome.binaryResult?.bytes,
      metadata: Dictionary(
        outcome.metadata.entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }),
      chunks: state.chunks, progress: state.progress, trace: trace.entries,
      violations: trace.violations, leftOver: trace.leftOver, duration: state.end - begin)
  }
}

extension RunningCall: ToolCallObserver {
  /// Keeps a chunk.
  public func emitted(_ chunk: ToolValue) -> Bool {
    let chunk = chunk.owned
    state.withLock { $0.chunks.append(chunk) }
    options.onChunk?(chunk)
    return true
  }

  /// Keeps how far the tool is.
  public func progressed(_ fraction: Double, _ message: String) {
    let progress = CallRecord.Progress(fraction: fraction, message: message)
    state.withLock { $0.progress.append(progress) }
    options.onProgress?(progress)
  }

  /// Wakes who waits.
  public func finished(_ outcome: ToolOutcome) {
    let forget = state.withLock { state in
      state.outcome = outcome
      state.end = MonotonicClock.now
      return state.forgetClock
    }
    forget?()
    ended()
    condition.withLock { condition.broadcast() }
  }
}

/// A session that tools of a test host run in.
private final class HostedSession: ToolSession {
  private let session: Session
  private let host: TestHost
  private let trace: CallTrace

  init(_ session: TestSession, _ host: TestHost, _ trace: CallTrace) {
    self.session = session.session
    self.host = host
    self.trace = trace
  }

  var id: String { session.id }
  func answersAtOnce(isReadOnly: Bool) -> Bool { session.answersAtOnce(isReadOnly: isReadOnly) }
  func beginUse() { session.beginUse() }
  func endUse() { session.endUse() }

  func services(for tool: RunningTool, deadline: Int64?) -> any CallServices {
    let services = session.services(for: tool, deadline: deadline)
    // What plugins ask for is seen where they call it; functions of other libraries call nothing.
    return host.isNative(tool.name) ? NativeServices(services, trace) : services
  }
}
