import GRPC
import GRPCServices
import NIOCore

/// `grpc.testing.TestService`, for gRPC's interop clients.
enum TestService {
  /// UnimplementedCall is not among them: clients look for what a server answers then.
  static var methods: [RPCMethod] {
    [
      .unary(path("EmptyCall")) { (_: Grpc_Testing_Empty, _) in Grpc_Testing_Empty() },
      .oneRequest(path("UnaryCall")) { TestUnary(call: $0) },
      .oneRequest(path("StreamingOutputCall")) { TestOutput(call: $0, answersAtEnd: false) },
      .requestStream(path("StreamingInputCall")) { TestInput(call: $0) },
      .requestStream(path("FullDuplexCall")) { TestOutput(call: $0, answersAtEnd: false) },
      .requestStream(path("HalfDuplexCall")) { TestOutput(call: $0, answersAtEnd: true) },
    ]
  }

  private static func path(_ name: String) -> String { "/grpc.testing.TestService/\(name)" }

  /// A payload of zero bytes.
  static func payload(_ size: Int32) throws(RPCError) -> Grpc_Testing_Payload {
    guard size >= 0 else {
      throw RPCError(.invalidArgument, "a payload cannot have \(size) bytes")
    }
    return .with { $0.body = .init(repeating: 0, count: Int(size)) }
  }

  /// - Parameter expected: nil when both are welcome.
  static func check(
    _ expected: Grpc_Testing_BoolValue?, of call: ServerCall
  ) throws(RPCError) {
    guard let expected, expected.value != call.isRequestCompressed else { return }
    throw RPCError(
      .invalidArgument,
      expected.value ? "the request came uncompressed" : "the request came compressed")
  }
}

extension ServerCall {
  /// Headers that an interop client asks to have back.
  var echoedHeaders: Metadata { echo("x-grpc-test-echo-initial") }
  /// Trailers that an interop client asks to have back.
  var echoedTrailers: Metadata { echo("x-grpc-test-echo-trailing-bin") }

  private func echo(_ key: String) -> Metadata {
    var metadata = Metadata()
    for value in self.metadata.values(for: key) { metadata.add(wireValue: value, for: key) }
    return metadata
  }
}

extension RPCError {
  /// The status that a request asks for; nil for none and for OK.
  init?(_ status: Grpc_Testing_EchoStatus) {
    guard status.code != 0 else { return nil }
    self.init(StatusCode(rawValue: status.code) ?? .unknown, status.message)
  }
}
