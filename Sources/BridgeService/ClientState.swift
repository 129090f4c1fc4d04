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
  /// It may ask for a format by its name in `accept-binary`, and refuse all with `false`, `no` or
  /// `0`; any other text stands for the format a value was written in.
  var binaryAcceptance: BinaryAcceptance {
    if hasMetadata("accept-binary"), let text = metadata["accept-binary"] {
      if ["false", "no", "0"].contains(text.lowercased()) { return .none }
      return BinaryFormat(name: text).map { .format($0) } ?? .asWritten
    }
    return (connectionState as? ClientState)?.readsBinary == true ? .asWritten : .none
  }
}
