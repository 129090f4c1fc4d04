public import SwiftProtobuf

/// The path of a method and the types of its messages, which servers and clients share.
///
/// One line for each method of a .proto's service takes the place of generated stubs:
///
///     enum Greeter {
///       static let name = "example.Greeter"
///       static let greet = ProtobufMethod<GreetRequest, GreetResponse>(name, "Greet")
///     }
///
/// What is `stream` in the .proto is said where the method is served or called.
public struct ProtobufMethod<Request: Message, Response: Message>: Sendable {
  /// `/package.Service/Method`.
  public let path: String

  /// - Parameters:
  ///   - service: The service's full name, `package.Service`.
  ///   - method: The method's name as the .proto has it.
  public init(_ service: String, _ method: String) { path = "/\(service)/\(method)" }
}
