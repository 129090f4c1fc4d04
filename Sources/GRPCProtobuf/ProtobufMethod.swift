public import SwiftProtobuf

/// The path of a method, the types of its messages and which of them are streams: what servers and
/// clients share.
///
/// One line for each method of a .proto's service takes the place of generated stubs:
///
///     enum Greeter {
///       static let name = "example.Greeter"
///       static let greet = ProtobufMethod<GreetRequest, GreetResponse>(name, "Greet")
///       static let greetOften =
///         ProtobufMethod<GreetRequest, GreetResponse>(name, "GreetOften", .serverStream)
///     }
public struct ProtobufMethod<Request: Message, Response: Message>: Sendable {
  /// `/package.Service/Method`.
  public let path: String
  /// How many requests and responses a call has. It is a note for readers and tests: what a call does
  /// is decided by the function that serves or calls the method.
  public let kind: MethodKind

  /// Names a method.
  ///
  /// - Parameters:
  ///   - service: The service's full name, `package.Service`.
  ///   - method: The method's name as the .proto has it.
  ///   - kind: What is `stream` in the .proto.
  public init(_ service: String, _ method: String, _ kind: MethodKind = .unary) {
    path = "/\(service)/\(method)"
    self.kind = kind
  }
}

/// How many requests and responses the calls of a method have.
public enum MethodKind: Sendable, Hashable {
  /// One request, one response.
  case unary
  /// One request, any number of responses.
  case serverStream
  /// Any number of requests, one response.
  case clientStream
  /// Any number of both.
  case bidirectional
}
