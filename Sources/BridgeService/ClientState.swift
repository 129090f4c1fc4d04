internal import BinaryFormats
internal import BridgeProtocol
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
  ///
  /// It may ask for a format by its name in `accept-binary`; any other text stands for all formats.
  var binaryAcceptance: BinaryAcceptance {
    if hasMetadata("accept-binary") {
      return metadata["accept-binary"].flatMap(BinaryFormat.init(name:)).map { .format($0) }
        ?? .asWritten
    }
    return (connectionState as? ClientState)?.readsBinary == true ? .asWritten : .none
  }
}
