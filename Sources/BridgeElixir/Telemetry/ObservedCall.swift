internal import BridgeSessions
internal import BridgeTools
internal import Threads

/// A call that telemetry tells of: it stands before the call's own observer.
final class ObservedCall: ToolCallObserver {
  private let observer: any ToolCallObserver
  private let telemetry: Telemetry
  private let metadata: [(key: String, value: String)]
  private let correlationID: String
  private let span: Span?
  /// Whether a client has made it, and not a tool.
  private let isOutermost: Bool
  private let startedAt = MonotonicClock.now

  /// A failure of this status is the fault of a tool or of the host.
  private static let internalError: Int32 = 13

  init(
    _ tool: ToolDescription, _ request: ToolCall.Request, _ span: Span?, session: String,
    observer: any ToolCallObserver, telemetry: Telemetry
  ) {
    self.observer = observer
    self.telemetry = telemetry
    self.span = span
    isOutermost = request.depth == 0
    correlationID = request.metadata["correlation_id"] ?? ""
    metadata = [
      ("tool", tool.name), ("plugin", tool.plugin), ("session_id", session),
      ("depth", "\(request.depth)"), ("streaming", request.isStreaming ? "true" : "false"),
    ]
  }

  func tellStart() {
    let measurements: [(key: String, value: TelemetryRecord.Number)] = [
      ("count", .integer(1)), ("system_time", .integer(Clock.wall)),
    ]
    if isOutermost { tell(.callStart, measurements) }
    tell(.toolStart, measurements)
  }

  func emitted(_ chunk: ToolValue) -> Bool { observer.emitted(chunk) }

  func progressed(_ fraction: Double, _ message: String) {
    observer.progressed(fraction, message)
  }

  func finished(_ outcome: ToolOutcome) {
    let measurements: [(key: String, value: TelemetryRecord.Number)] = [
      ("duration", .integer(MonotonicClock.now - startedAt)), ("count", .integer(1)),
    ]
    switch outcome.result {
    case .success:
      tell(.resultSize, [("message_size", .integer(Int64(outcome.byteCount)))])
      tell(.toolStop, measurements)
      if isOutermost { tell(.callStop, measurements) }
    case .failure(let failure):
      let facts = [
        (key: "error_type", value: failure.type), (key: "error_code", value: "\(failure.code)"),
      ]
      tell(.toolException, measurements, facts)
      if isOutermost { tell(.callException, measurements, facts) }
      if failure.code == Self.internalError {
        tell(.errorOccurred, [("count", .integer(1))], facts)
      }
    }
    observer.finished(outcome)
  }

  private func tell(
    _ name: TelemetryRecord.Name, _ measurements: [(key: String, value: TelemetryRecord.Number)],
    _ facts: [(key: String, value: String)] = []
  ) {
    // A call is one span: its end tells all of it.
    let isEnd = name == .toolStop || name == .toolException
    telemetry.tell(
      TelemetryRecord(
        name: name, measurements: measurements, metadata: metadata + facts, time: Clock.wall,
        span: isEnd ? span : nil, correlationID: correlationID))
  }
}
