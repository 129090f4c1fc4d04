internal import BridgeSessions
public import BridgeTools
internal import Synchronization
internal import Threads

/// What happens in a host, for those who listen. Where nobody does, a call costs one look at a flag.
///
/// Thread-safe.
public final class Telemetry: ToolObserver {
  private struct State {
    var listeners: [ObjectIdentifier: any TelemetryListener] = [:]
    /// Takes samples of the process while somebody listens.
    var sampling: Task<Void, Never>?
  }

  private let state = Locked(State())
  private let isHeard = Atomic<Bool>(false)
  private let makesSpans = Atomic<Bool>(false)

  /// Nanoseconds between two samples of memory and CPU time.
  private static let sampleInterval: UInt64 = 10_000_000_000

  /// Nobody listens yet.
  public init() {}

  deinit { state.withLock { $0.sampling }?.cancel() }

  /// Whether somebody listens.
  public var isListening: Bool { isHeard.load(ordering: .relaxed) }

  // MARK: Listeners

  /// Somebody begins to listen, or to listen to other things.
  func changed(_ listener: any TelemetryListener) {
    update { $0[ObjectIdentifier(listener)] = listener }
  }

  /// Somebody listens no more.
  func remove(_ listener: any TelemetryListener) {
    update { $0[ObjectIdentifier(listener)] = nil }
  }

  private func update(_ change: (inout [ObjectIdentifier: any TelemetryListener]) -> Void) {
    state.withLock { state in
      change(&state.listeners)
      let isNow = state.listeners.values.contains { $0.isListening }
      guard isHeard.exchange(isNow, ordering: .relaxed) != isNow else { return }
      state.sampling?.cancel()
      state.sampling = isNow ? makeSampling() : nil
    }
  }

  /// From now on calls are spans of traces, and say so in the metadata that calls within them inherit.
  func trace() { makesSpans.store(true, ordering: .relaxed) }

  /// The span that a call is; nil where calls are none.
  private func makeSpan(_ request: inout ToolCall.Request) -> Span? {
    guard makesSpans.load(ordering: .relaxed) else { return nil }
    let outer = request.metadata[SpanContext.key].flatMap { SpanContext(traceparent: $0) }
    let context =
      outer?.child() ?? .root(joinedBy: request.metadata["correlation_id"] ?? "")
    request.metadata[SpanContext.key] = context.text
    return Span(context: context, parent: outer?.spanID, start: Clock.wall)
  }

  func tell(_ record: @autoclosure () -> TelemetryRecord) {
    guard isListening else { return }
    let record = record()
    for listener in state.withLock({ Array($0.listeners.values) }) { listener.take(record) }
  }

  // MARK: Samples

  private func makeSampling() -> Task<Void, Never> {
    Task { [weak self] in
      var sampler = ProcessSampler()
      while !Task.isCancelled {
        for record in sampler.sample() { self?.tell(record) }
        try? await Task.sleep(nanoseconds: Self.sampleInterval)
      }
    }
  }

  // MARK: Calls

  /// Tells of a call's beginning now, and of its end through what takes the place of its observer.
  public func began(
    _ tool: ToolDescription, _ request: inout ToolCall.Request, session: String,
    observer: any ToolCallObserver
  ) -> any ToolCallObserver {
    let span = makeSpan(&request)
    let call = ObservedCall(
      tool, request, span, session: session, observer: observer, telemetry: self)
    call.tellStart()
    return call
  }
}
