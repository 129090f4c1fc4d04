import GRPC

/// Whether a message goes out compressed.
enum Compression {
  /// As the server would do it.
  case automatic
  case always
  case never

  /// - Parameter choice: nil leaves it to the server.
  init(_ choice: Grpc_Testing_BoolValue?) {
    switch choice?.value {
    case nil: self = .automatic
    case true: self = .always
    case false: self = .never
    }
  }
}

// GRPC refuses every encoding but identity, so nothing arrives compressed and nothing is sent so.
extension ServerCall {
  /// Whether the request that is being received came compressed.
  var requestWasCompressed: Bool { false }

  func send(_ message: [UInt8], compression: Compression) -> Bool { send(message) }
}
