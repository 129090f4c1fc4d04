internal import GRPC
internal import Logging

/// Logs every call that was served, at level debug.
///
/// A server that does not log at that level should have none: without an observer it keeps no record
/// of its calls.
struct AccessLog: CallObserver {
  private let logger: Logger

  /// Paths of unknown methods are any text of the client's.
  private static let pathLimit = 200

  /// - Returns: nil when the logger would not log it.
  init?(_ logger: Logger) {
    guard logger.logLevel <= .debug else { return nil }
    self.logger = logger
  }

  func callFinished(_ call: FinishedCall) {
    logger.debug("call", metadata: Self.metadata(of: call))
  }

  static func metadata(of call: FinishedCall) -> Logger.Metadata {
    [
      "path": "\(call.path.prefix(pathLimit))", "peer": "\(call.peer)",
      "status": "\(call.status.name)",
      "requests": "\(call.requestMessages)", "request_bytes": "\(call.requestBytes)",
      "responses": "\(call.responseMessages)", "response_bytes": "\(call.responseBytes)",
      "microseconds": "\(call.duration.nanoseconds / 1000)",
    ]
  }
}
