import BridgeSessions
import Glibc
import Logging
import RemoteSessions
import Testing
import Threads

@testable import BridgeTools

/// What the scenarios of plugins do not reach.
@Suite struct RemoteSessionTests {
  private struct Nothing: Tool {
    let description = ToolDescription(
      name: "t", description: "Does nothing.", parameters: [], plugin: "test")
    func run(_ call: ToolCall) { call.finish() }
    func refusal(of call: ToolCall) -> ToolsError? { nil }
  }

  private final class Tools: ToolProvider {
    let id = "test"
    let name = "test"
    let version = ""
    let tools: [any Tool] = [Nothing()]
    func retire() {}
  }

  /// Waits for what other threads do.
  private func eventually(_ what: Comment, _ isSo: () -> Bool) throws {
    for _ in 0..<30_000 {
      if isSo() { return }
      usleep(1000)
    }
    _ = try #require(nil as Int?, what)
  }

  private let store = SessionStore()
  private let session: Session
  private let host: ToolHost
  private let remote = RemoteSessions()

  init() throws {
    session = try store.create("s")
    host = ToolHost(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try host.registry.register(Tools())
  }

  private func services() throws -> any CallServices {
    let tool = RunningTool(registered: try host.registry.admit("t").registered, host: host)
    return remote.place(session).services(for: tool, deadline: nil)
  }

  @Test func theEndOfTheSessionIsTold() throws {
    let services = try services()
    let told = Locked(0)
    services.whenSessionEnds { told.withLock { $0 += 1 } }
    let seen = Locked<[VariableChange]>([])
    let subscription = try services.watch([], initial: true) { changes in
      seen.withLock { $0 += changes }
      return .goOn
    }
    // What tells of the end is a watch, which may begin a moment later.
    try eventually("both watches are there") { session.statistics.watches == 2 }
    store.remove("s")
    try eventually("the end is told") { told.withLock { $0 } == 1 }
    try eventually("the watch ends") { seen.withLock { $0.last?.kind } == .ended }
    #expect(seen.withLock { $0.last?.cause } == "cleanup")
    services.whenSessionEnds { told.withLock { $0 += 1 } }
    #expect(told.withLock { $0 } == 2)
    subscription.cancel()
    do {
      _ = try services.get("v")
      Issue.record("the session has ended")
    } catch let error as SessionError {
      #expect(error.code == .sessionNotFound)
    }
    host.stop()
  }

  @Test func aDeliveryMayPauseAndEnd() throws {
    let services = try services()
    let seen = Locked<[Value]>([])
    let subscription = try services.watch(["n"], initial: false) { changes in
      seen.withLock { seen in seen += changes.compactMap { $0.variable?.value } }
      return seen.withLock(\.count) < 3 ? .pause : .end
    }
    try session.register(
      name: "n", type: .integer, payload: Payload(.integer(0)), writer: Writer(.host))
    for number in 1...5 {
      _ = try session.set("n", writer: Writer(.host)) { _ in Payload(.integer(Int64(number))) }
    }
    try eventually("the first one comes") { seen.withLock { $0 } == [.integer(0)] }
    subscription.resume()
    try eventually("the next one comes") { seen.withLock(\.count) == 2 }
    subscription.resume()
    try eventually("the watch is over") { session.statistics.watches == 0 }
    #expect(seen.withLock { $0 } == [.integer(0), .integer(1), .integer(2)])
    host.stop()
  }

  @Test func aWriteMayExpectAVersionWithoutAnID() throws {
    let services = try services()
    try session.register(
      name: "n", type: .integer, payload: Payload(.integer(0)), writer: Writer(.host))
    let write = VariableWrite("n", .value(.integer(1), .integer), expectedVersion: 1)
    #expect(try services.set(write).version == 2)
    do {
      _ = try services.set(write)
      Issue.record("the version is another one")
    } catch let error as SessionError {
      #expect(error.code == .versionMismatch)
      #expect(error.details["current_version"] == "2")
    }
    host.stop()
  }
}
