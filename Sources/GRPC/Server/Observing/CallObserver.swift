/// Hears of every call that a server has served: what metrics, traces and access logs are made from.
///
/// A server without observers keeps no record of its calls.
public protocol CallObserver: Sendable {
  /// A call is over: its last frame was handed to the connection, or its client or connection is gone.
  ///
  /// Every request that the server accepted comes here once, those that are no gRPC and those of unknown
  /// methods included. Streams that are refused before they become calls (REFUSED_STREAM, when the
  /// server shuts down or the connection has as many calls as it may) do not.
  ///
  /// Runs on the connection's event loop and must not block.
  func callFinished(_ call: FinishedCall)
}
