import BridgeSessions
import Logging
import Testing

@testable import BridgeTools

@Suite struct SessionToolsTests {
  private let host = ToolHost(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  private let store = SessionStore()

  private func provider(_ id: String, _ names: String...) -> TestProvider {
    TestProvider(id, names.map { ClosureTool($0) { $0.finish(.success(.null)) } })
  }

  private func names(of session: Session) -> [String] {
    host.sessionTools.catalog(of: session.id)?.descriptions.map(\.name) ?? []
  }

  @Test func aSessionHasToolsOfItsOwnAndThoseOfAll() throws {
    try host.registry.register(provider("all", "shared"))
    let (one, two) = (try store.create("1"), try store.create("2"))
    #expect(host.sessionTools.catalog(of: "1") == nil)
    try host.register(provider("p", "a", "b"), in: one)
    try host.register(provider("q", "c"), in: one)
    try host.register(provider("p", "a"), in: two)
    #expect(names(of: one) == ["a", "b", "c"] && names(of: two) == ["a"])
    for name in ["a", "c", "shared"] {
      #expect(try host.admit(name, in: "1").description.name == name)
    }
    for (name, session) in [("c", "2"), ("a", "3"), ("d", "1")] {
      let error = #expect(throws: ToolsError.self) { try host.admit(name, in: session) }
      #expect(error?.code == .toolNotFound)
    }
    // Without a session there are none of these.
    #expect(throws: ToolsError.self) { try host.registry.admit("a") }
  }

  @Test func namesAreTakenOnce() throws {
    try host.registry.register(provider("all", "shared"))
    let session = try store.create("1")
    try host.register(provider("p", "a"), in: session)
    for (names, taken) in [(["x", "shared"], "shared"), (["x", "a"], "a")] {
      let new = TestProvider("q", names.map { ClosureTool($0) { $0.finish(.success(.null)) } })
      let error = #expect(throws: ToolsError.self) { try host.register(new, in: session) }
      #expect(error?.code == .nameTaken && error?.details["tool"] == taken)
    }
    #expect(names(of: session) == ["a"])
  }

  @Test func toolsGoWithTheirSession() throws {
    let session = try store.create("1")
    let provider = provider("p", "a")
    try host.register(provider, in: session)
    let admitted = try host.admit("a", in: "1")
    #expect(store.remove("1") != nil)
    #expect(host.sessionTools.catalog(of: "1") == nil)
    // A call that has begun keeps them until it ends.
    #expect(provider.retirements.withLock { $0 } == 0)
    admitted.release()
    #expect(provider.retirements.withLock { $0 } == 1)
    // The next one of the name begins anew.
    let next = try store.create("1")
    try host.register(self.provider("p", "b"), in: next)
    #expect(names(of: next) == ["b"])
  }

  @Test func aSessionThatHasEndedGetsNone() throws {
    let session = try store.create("1")
    #expect(store.remove("1") != nil)
    try host.register(provider("p", "a"), in: session)
    #expect(host.sessionTools.catalog(of: "1") == nil)
  }
}
