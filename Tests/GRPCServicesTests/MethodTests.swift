import GRPC
import GRPCProtobuf
import Testing

@testable import GRPCServices

@Suite struct MethodTests {
  private static let descriptors = Base64.decode(ServiceDescriptors.base64)

  @Test func healthIsThatOfTheProto() throws {
    let declared = try MethodSignature.declared(
      by: Self.descriptors, service: HealthMethods.service)
    #expect(Set(HealthMethods.all) == Set(declared))
    #expect(HealthMethods.all.count == declared.count)
  }

  @Test(arguments: zip(ReflectionMethods.services, ReflectionMethods.infos.map(\.signature)))
  func reflectionIsThatOfItsProtos(service: String, method: MethodSignature) throws {
    let declared = try MethodSignature.declared(by: Self.descriptors, service: service)
    #expect(declared.map(\.path) == [method.path])
    #expect(declared.map(\.kind) == [method.kind])
    // The messages of v1alpha have the same fields under another name.
    if service == ReflectionMethods.services[0] { #expect(declared == [method]) }
  }
}
