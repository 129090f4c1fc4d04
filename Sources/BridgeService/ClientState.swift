internal import BridgeSessions
internal import GRPC

/// What is known of the client behind a connection.
///
/// Used on the connection's event loop only.
final class ClientState {
  /// It wrote a binary value once, so it reads them.
  var readsBinary = false
}

extension ServerCall {
  /// Notes how the client writes values.
  func note(_ form: WireForm) {
    guard form.contains(.binary) else { return }
    if connectionState == nil { connectionState = ClientState() }
    (connectionState as? ClientState)?.readsBinary = true
  }

  /// Whether the client has shown that it reads binary values.
  var acceptsBinary: Bool {
    (connectionState as? ClientState)?.readsBinary == true || hasMetadata("accept-binary")
  }
}
