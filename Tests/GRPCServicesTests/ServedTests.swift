import GRPC
import GRPCProtobuf
import Logging
import NIOCore
import Testing

@testable import GRPCServices

/// Health and reflection as clients see them.
@Suite struct ServedTests {
  private typealias Question = Grpc_Reflection_V1_ServerReflectionRequest
  // Under a sanitizer, beside all other tests, much waits.
  private let options = CallOptions(timeout: .seconds(240))

  private func withClient(
    _ status: HealthStatus = HealthStatus(), descriptors: [[UInt8]] = [],
    _ body: (GRPCClient) async throws -> Void
  ) async throws {
    let reflection = ReflectionService(services: [HealthService.name]) { descriptors }
    let server = GRPCServer(
      methods: HealthService(status).methods + reflection.methods, eventLoops: 1,
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

  private func code(_ call: () async throws(RPCError) -> Void) async -> StatusCode? {
    do throws(RPCError) {
      try await call()
      return nil
    } catch {
      return error.code
    }
  }

  // MARK: Health

  @Test func aCheckTellsTheStatus() async throws {
    let status = HealthStatus()
    status.set(.serving)
    status.set(.notServing, for: "a")
    try await withClient(status) { client in
      func check(_ service: String) async throws(RPCError)
        -> Grpc_Health_V1_HealthCheckResponse.ServingStatus
      {
        try await client.unary(
          HealthMethods.check, .with { $0.service = service }, options: options
        ).message.status
      }
      #expect(try await check("") == .serving)
      #expect(try await check("a") == .notServing)
      let unknown = await code { () throws(RPCError) in _ = try await check("b") }
      #expect(unknown == .notFound)
      let list = try await client.unary(
        HealthMethods.list, Grpc_Health_V1_HealthListRequest(), options: options
      ).message.statuses
      #expect(list.mapValues(\.status) == ["": .serving, "a": .notServing])
    }
  }

  @Test func aWatchTellsEachChangeAndEndsWithTheServer() async throws {
    let status = HealthStatus()
    try await withClient(status) { client in
      let watch = try client.serverStream(
        HealthMethods.watch, .with { $0.service = "a" }, options: options)
      let iterator = watch.makeAsyncIterator()
      #expect(try await iterator.next()?.status == .serviceUnknown)
      status.set(.serving, for: "a")
      #expect(try await iterator.next()?.status == .serving)
      // What is no change is not told, nor is what happens to others.
      status.set(.serving, for: "a")
      status.set(.serving, for: "b")
      status.set(.notServing, for: "a")
      #expect(try await iterator.next()?.status == .notServing)
      status.remove("a")
      #expect(try await iterator.next()?.status == .serviceUnknown)
      status.set(.serving, for: "a")
      #expect(try await iterator.next()?.status == .serving)
      status.drain()
      #expect(try await iterator.next()?.status == .notServing)
      do throws(RPCError) {
        _ = try await iterator.next()
        Issue.record("the watch goes on")
      } catch {
        #expect(error.code == .unavailable)
      }
    }
  }

  /// A name of so many bytes makes a request that is three bytes longer.
  @Test(arguments: [(1021, StatusCode.notFound), (1022, .resourceExhausted)])
  func aQuestionHasALimit(length: Int, expected: StatusCode) async throws {
    try await withClient { client in
      let name = String(repeating: "x", count: length)
      let answered = await code { () throws(RPCError) in
        _ = try await client.unary(
          HealthMethods.check, .with { $0.service = name }, options: options)
      }
      #expect(answered == expected)
    }
  }

  // MARK: Reflection

  @Test func everyQuestionIsAnsweredInOrder() async throws {
    try await withClient { client in
      for method in ReflectionMethods.infos {
        let call = client.bidirectional(method, options: options)
        let responses = call.responses.makeAsyncIterator()
        try await call.requests.send(.with { $0.listServices = "" })
        let names = try await responses.next()?.listServicesResponse.service.map(\.name)
        #expect(names == [HealthService.name] + ReflectionService.names)
        // Several before an answer is read.
        for name in ["grpc.health.v1.Health", "no.Such", "grpc.health.v1.HealthCheckRequest"] {
          try await call.requests.send(.with { $0.fileContainingSymbol = name })
        }
        call.requests.finish()
        let found = try await responses.next()
        #expect(found?.fileDescriptorResponse.fileDescriptorProto.isEmpty == false)
        #expect(found?.originalRequest.fileContainingSymbol == "grpc.health.v1.Health")
        #expect(try await responses.next()?.errorResponse.errorCode == 5)
        #expect(
          try await responses.next()?.originalRequest.fileContainingSymbol
            == "grpc.health.v1.HealthCheckRequest")
        #expect(try await responses.next() == nil)
      }
    }
  }

  @Test func aCallWithoutAQuestionEndsWell() async throws {
    try await withClient { client in
      let call = client.bidirectional(ReflectionMethods.infos[0], options: options)
      call.requests.finish()
      let response = try await call.responses.makeAsyncIterator().next()
      #expect(response == nil)
    }
  }

  @Test func whatIsNoQuestionEndsTheCall() async throws {
    try await withClient { client in
      let call = client.bidirectional(ReflectionMethods.infos[0].path, options: options)
      _ = await call.requests.send([0x0A, 0x05])
      let responses = call.responses.makeAsyncIterator()
      do throws(RPCError) {
        _ = try await responses.next()
        Issue.record("it was answered")
      } catch {
        #expect(error.code == .internalError)
      }
    }
  }

  @Test func malformedDescriptorsEndTheCall() async throws {
    try await withClient(descriptors: [[0xFF]]) { client in
      let call = client.bidirectional(ReflectionMethods.infos[0], options: options)
      try await call.requests.send(.with { $0.listServices = "" })
      do throws(RPCError) {
        _ = try await call.responses.makeAsyncIterator().next()
        Issue.record("it was answered")
      } catch {
        #expect(error.code == .internalError)
        #expect(error.message.hasPrefix("the server's descriptors are malformed"))
      }
    }
  }

  /// The answers are read when the call has ended: so many and a number for the error.
  @Test func soManyQuestionsWaitAndNoMore() async throws {
    try await withClient { client in
      let call = client.bidirectional(ReflectionMethods.infos[0], options: options)
      // Each answer fills what may be sent unread sooner.
      var sent = 0
      while sent < 100_000 {
        do throws(RPCError) {
          try await call.requests.send(.with { $0.fileByFilename = "grpc/health/v1/health.proto" })
        } catch {
          break
        }
        sent += 1
      }
      do throws(RPCError) {
        let responses = call.responses.makeAsyncIterator()
        while try await responses.next() != nil {}
        Issue.record("\(sent) questions were answered")
      } catch {
        #expect(error.code == .resourceExhausted)
        #expect(error.message == "1000 requests wait for their answers to be read")
      }
    }
  }
}
