import BridgeProtocol
import GRPC
import GRPCProtobuf
import Testing

@Suite struct MethodTests {
  private static let descriptors = Base64.decode(BridgeDescriptors.base64)

  /// Path, messages and streaming of every method, in order.
  @Test(arguments: [
    (BridgeMethods.service, BridgeMethods.all),
    (SessionAdminMethods.service, SessionAdminMethods.all),
    (ToolAdminMethods.service, ToolAdminMethods.all),
    (ClientToolMethods.service, ClientToolMethods.all),
  ])
  func areThoseOfTheProto(service: String, methods: [MethodSignature]) throws {
    let declared = try MethodSignature.declared(by: Self.descriptors, service: service)
    #expect(!declared.isEmpty)
    #expect(methods == declared)
  }

  @Test func thereIsNoOtherServiceOfOurs() throws {
    let declared = try MethodSignature.declared(by: Self.descriptors, service: "example.Nothing")
    #expect(declared.isEmpty)
  }
}
