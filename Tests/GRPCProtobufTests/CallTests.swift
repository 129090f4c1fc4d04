import GRPC
import Logging
import NIOCore
import SwiftProtobuf
import Testing

@testable import GRPCProtobuf

/// Methods of every kind, called with messages over a connection.
@Suite struct CallTests {
  private typealias Text = Google_Protobuf_StringValue
  private static let service = "test.Texts"
  private static let unary = ProtobufMethod<Text, Text>(service, "Unary")
  private static let later = ProtobufMethod<Text, Text>(service, "Later")
  private static let repeated = ProtobufMethod<Text, Text>(service, "Repeated", .serverStream)
  private static let joined = ProtobufMethod<Text, Text>(service, "Joined", .clientStream)
  private static let each = ProtobufMethod<Text, Text>(service, "Each", .bidirectional)

  private static var methods: [RPCMethod] {
    [
      .unary(unary) { request, _ in Text(request.value + "!") },
      .asyncUnary(later) { request, _ in Text(request.value + "?") },
      .serverStream(repeated) { request, responses, _ in
        for number in 1...3 { try await responses.send(Text("\(request.value)\(number)")) }
      },
      .clientStream(joined) { requests, _ in
        var all: [String] = []
        for try await request in requests { all.append(request.value) }
        return Text(all.joined(separator: "+"))
      },
      .bidirectional(each) { requests, responses, _ in
        for try await request in requests { try await responses.send(Text(request.value + ".")) }
      },
    ]
  }

  private func withClient(_ body: (GRPCClient) async throws -> Void) async throws {
    let server = GRPCServer(
      methods: Self.methods, eventLoops: 1,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let bound = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0), security: .plaintext)
    let client = GRPCClient(target: bound)
    do {
      try await body(client)
    } catch {
      Issue.record(error)
    }
    await client.shutDown()
    await server.shutDown(grace: .zero)
  }

  // Under a sanitizer, beside all other tests, much waits.
  private let options = CallOptions(timeout: .seconds(240))

  @Test func messagesComeThroughEveryKindOfMethod() async throws {
    try await withClient { client in
      let answer = try await client.unary(Self.unary, Text("a"), options: options)
      #expect(answer.message.value == "a!")
      #expect(try await client.unary(Self.later, Text("a"), options: options).message.value == "a?")
      var texts: [String] = []
      for try await response in try client.serverStream(
        Self.repeated, Text("a"), options: options)
      {
        texts.append(response.value)
      }
      #expect(texts == ["a1", "a2", "a3"])
      let joined = client.clientStream(Self.joined, options: options)
      for text in ["a", "b"] { #expect(try await joined.requests.send(Text(text))) }
      joined.requests.finish()
      #expect(try await joined.response().message.value == "a+b")
      let each = client.bidirectional(Self.each, options: options)
      let responses = each.responses.makeAsyncIterator()
      for text in ["a", "b"] {
        #expect(try await each.requests.send(Text(text)))
        #expect(try await responses.next()?.value == text + ".")
      }
      each.requests.finish()
      #expect(try await responses.next() == nil)
    }
  }

  /// The field's length is beyond its end.
  private static let noMessage: [UInt8] = [0x0A, 0x05]

  @Test func whatIsNoMessageEndsACallOfAnyKind() async throws {
    try await withClient { client in
      func code(_ call: () async throws(RPCError) -> Void) async -> StatusCode? {
        do throws(RPCError) {
          try await call()
          return nil
        } catch {
          return error.code
        }
      }
      for path in [Self.unary.path, Self.later.path] {
        let ended = await code { () throws(RPCError) in
          _ = try await client.unary(path, Self.noMessage, options: options)
        }
        #expect(ended == .internalError, "\(path)")
      }
      let streamed = await code { () throws(RPCError) in
        let iterator = client.serverStream(Self.repeated.path, Self.noMessage, options: options)
          .makeAsyncIterator()
        _ = try await iterator.next()
      }
      #expect(streamed == .internalError)
      let joined = client.clientStream(Self.joined.path, options: options)
      _ = await joined.requests.send(Self.noMessage)
      joined.requests.finish()
      let answered = await code { () throws(RPCError) in _ = try await joined.response() }
      #expect(answered == .internalError)
    }
  }

  @Test func aRequestThatIsCancelledEndsTheCall() async throws {
    try await withClient { client in
      let joined = client.clientStream(Self.joined, options: options)
      try await joined.requests.send(Text("a"))
      joined.requests.cancel()
      do throws(RPCError) {
        _ = try await joined.response()
        Issue.record("it was answered")
      } catch {
        #expect(error.code == .cancelled)
      }
    }
  }

  @Test func aProtoDeclaresItsMethods() throws {
    func method(_ name: String, _ requests: Bool, _ responses: Bool)
      -> Google_Protobuf_MethodDescriptorProto
    {
      .with {
        $0.name = name
        $0.inputType = ".test.In"
        $0.outputType = ".test.Out"
        $0.clientStreaming = requests
        $0.serverStreaming = responses
      }
    }
    let file = Google_Protobuf_FileDescriptorProto.with {
      $0.package = "test"
      $0.service = [
        .with {
          $0.name = "Other"
          $0.method = [method("X", false, false)]
        },
        .with {
          $0.name = "Texts"
          $0.method = [
            method("U", false, false), method("S", false, true), method("C", true, false),
            method("B", true, true),
          ]
        },
      ]
    }
    let set: [UInt8] = try Google_Protobuf_FileDescriptorSet.with { $0.file = [file] }
      .serializedBytes()
    func signature(_ name: String, _ kind: MethodKind) -> MethodSignature {
      MethodSignature(
        path: "/test.Texts/\(name)", request: "test.In", response: "test.Out", kind: kind)
    }
    #expect(
      try MethodSignature.declared(by: set, service: "test.Texts") == [
        signature("U", .unary), signature("S", .serverStream), signature("C", .clientStream),
        signature("B", .bidirectional),
      ])
    #expect(try MethodSignature.declared(by: set, service: "test.None").isEmpty)
    #expect(throws: (any Error).self) {
      try MethodSignature.declared(by: Self.noMessage, service: "test.Texts")
    }
    #expect(Self.each.signature.kind == .bidirectional)
    #expect(Self.each.signature.request == "google.protobuf.StringValue")
    #expect(Self.unary.signature.path == "/test.Texts/Unary")
  }
}
