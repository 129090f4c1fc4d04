internal import BinaryFormats
internal import BridgeProtocol
internal import GRPC

extension ServerCall {
  /// What the call's metadata `accept-binary` asks for: formats in order of preference, separated by
  /// commas; `raw` when it names none that is known.
  ///
  /// Without it, and with `false`, `no` or `0`, values are answered in JSON. What the client wrote
  /// before says nothing: several clients may share a connection, and who writes a format need not
  /// read it.
  var binaryAcceptance: BinaryAcceptance {
    guard hasMetadata("accept-binary"), let text = metadata["accept-binary"] else { return .none }
    if ["false", "no", "0"].contains(text.lowercased()) { return .none }
    for name in text.utf8.split(separator: UInt8(ascii: ",")) {
      let name = name.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") }
      if let format = BinaryFormat(name: String(decoding: name, as: UTF8.self)) {
        return .format(format)
      }
    }
    return .format(.raw)
  }
}
