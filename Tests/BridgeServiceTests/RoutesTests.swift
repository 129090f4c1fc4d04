import BridgeProtocol
import BridgeSessions
import BridgeTools
import GRPC
import GRPCProtobuf
import Logging
import Testing

@testable import BridgeService

@Suite struct RoutesTests {
  private let sessions = SessionStore(limits: SessionLimits())

  private var service: BridgeService {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return BridgeService(sessions: sessions, tools: ToolHost(logger: logger), logger: logger)
  }

  @Test func everyMethodOfTheBridgeHasARoute() {
    let paths = service.methods.map(\.path)
    #expect(Set(paths) == Set(BridgeMethods.all.map(\.path)))
    #expect(paths.count == BridgeMethods.all.count)
  }

  @Test func everyMethodOfTheAdminHasARoute() {
    let paths = SessionAdmin(sessions: sessions).methods.map(\.path)
    #expect(paths == SessionAdminMethods.all.map(\.path))
    let tools = ToolAdmin(service).methods.map(\.path)
    #expect(tools == ToolAdminMethods.all.map(\.path))
    let serving = ClientToolServing(service).methods.map(\.path)
    #expect(serving == ClientToolMethods.all.map(\.path))
  }
}
