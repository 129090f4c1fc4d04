import BridgeProtocol
import BridgeSessions
import BridgeTools
import GRPC
import GRPCProtobuf
import Logging
import Testing

@testable import BridgeService

/// What clients are told of sessions that another host holds.
@Suite struct SessionDirectoryTests {
  /// Sessions whose id begins with "far" are at another host.
  private struct Directory: SessionDirectory {
    let store: SessionStore

    func locate(_ id: String, create: Bool, client: UInt64?) throws -> SessionLocation {
      if let address = otherHost(of: id) { return .elsewhere(address: address) }
      return .here(try store.session(id, create: create, client: client))
    }

    func otherHost(of id: String) -> String? { id.hasPrefix("far") ? "10.0.0.7:50051" : nil }
  }

  private let store = SessionStore()
  private let client: GRPCClient
  private let server: GRPCServer

  init() throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let service = BridgeService(
      sessions: store, directory: Directory(store: store), tools: ToolHost(logger: logger),
      logger: logger)
    server = GRPCServer(methods: service.methods, eventLoops: 1, logger: logger)
    let address = try server.listen(on: .tcp(host: "127.0.0.1", port: 0), security: .plaintext)
    client = GRPCClient(target: address)
  }

  private func expectElsewhere(_ error: RPCError?, _ method: String) {
    #expect(error?.code == .unavailable, "\(method)")
    let info = error?.details(as: Google_Rpc_ErrorInfo.self).first
    #expect(info?.reason == "SESSION_ELSEWHERE", "\(method)")
    #expect(info?.metadata["address"] == "10.0.0.7:50051", "\(method)")
  }

  @Test func aSessionElsewhereIsNamedWithItsHost() async throws {
    func check<Request, Response>(
      _ method: ProtobufMethod<Request, Response>, _ request: Request
    ) async {
      let error = await #expect(throws: RPCError.self) { try await client.unary(method, request) }
      expectElsewhere(error, method.path)
    }
    await check(BridgeMethods.initializeSession, .with { $0.sessionID = "far" })
    await check(BridgeMethods.cleanupSession, .with { $0.sessionID = "far" })
    await check(BridgeMethods.getSession, .with { $0.sessionID = "far" })
    await check(BridgeMethods.heartbeat, .with { $0.sessionID = "far" })
    await check(
      BridgeMethods.registerVariable,
      .with {
        $0.sessionID = "far"
        $0.name = "a"
        $0.type = "integer"
        $0.initialValue.value = .init("1".utf8)
      })
    await check(BridgeMethods.getVariable, .with { $0.sessionID = "far" })
    await check(BridgeMethods.setVariable, .with { $0.sessionID = "far" })
    await check(BridgeMethods.getVariables, .with { $0.sessionID = "far" })
    await check(BridgeMethods.setVariables, .with { $0.sessionID = "far" })
    await check(BridgeMethods.listVariables, .with { $0.sessionID = "far" })
    await check(BridgeMethods.deleteVariable, .with { $0.sessionID = "far" })
    await check(BridgeMethods.getVariableHistory, .with { $0.sessionID = "far" })
    await check(BridgeMethods.rollbackVariable, .with { $0.sessionID = "far" })
    await check(BridgeMethods.addDependency, .with { $0.sessionID = "far" })
    await check(BridgeMethods.startOptimization, .with { $0.sessionID = "far" })
    await check(BridgeMethods.stopOptimization, .with { $0.sessionID = "far" })
    let error = await #expect(throws: RPCError.self) {
      let updates = try client.serverStream(
        BridgeMethods.watchVariables, .with { $0.sessionID = "far" })
      for try await _ in updates {}
    }
    expectElsewhere(error, "WatchVariables")
    #expect(store.sessionCount == 0)
  }

  @Test func aSessionThatIsHereIsServed() async throws {
    _ = try await client.unary(
      BridgeMethods.initializeSession, .with { $0.sessionID = "near" })
    let answer = try await client.unary(
      BridgeMethods.getSession, .with { $0.sessionID = "near" })
    #expect(answer.message.sessionID == "near")
    #expect(store.sessionCount == 1)
  }
}
