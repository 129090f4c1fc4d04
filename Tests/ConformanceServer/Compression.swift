import GRPC

// GRPC refuses every encoding but identity: nothing arrives compressed, and nothing is sent so.
extension ServerCall {
  /// Whether the request handed over last came compressed.
  var isRequestCompressed: Bool { false }

  /// - Parameter compressed: nil leaves it to the server.
  func send(_ message: [UInt8], compressed: Bool?) -> Bool { send(message) }
}
