internal import BridgeProtocol
internal import GRPC

extension BridgeService {
  /// The service's full name, as health and reflection know it.
  public static let name = BridgeMethods.service

  /// A serialized google.protobuf.FileDescriptorSet of the protocol, of error details, and of the
  /// wrappers that clients put into Any.
  public static var descriptorSet: [UInt8] { Base64.decode(BridgeDescriptors.base64) }
}
