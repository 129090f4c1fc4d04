import BridgeSessions
import Testing
import Threads

@testable import BridgeTools

/// What a running tool does with the variables of its session.
@Suite struct ServicesTests {
  /// Runs a body as a tool, and answers what it threw.
  private func run(
    _ change: @escaping (inout ToolDescription) -> Void = { _ in },
    _ body: @escaping @Sendable (any CallServices) throws -> Void
  ) throws -> (error: (any Error)?, session: Session) {
    let thrown = Locked<(any Error)?>(nil)
    let test = try TestHost([
      ClosureTool("t", change) { call in
        do { try body(call.services) } catch { thrown.withLock { $0 = error } }
        call.finish()
      }
    ])
    for name in ["a", "b"] {
      try test.session.register(
        name: name, type: .integer, payload: Payload(.integer(1)), writer: Writer(.elixir))
    }
    _ = try test.run("t")
    return (thrown.withLock { $0 }, test.session)
  }

  @Test func variablesAreReadAndWritten() throws {
    let (error, session) = try run { services in
      #expect(services.sessionID == "s")
      let a = try services.get("a")
      #expect(a.value == .integer(1) && a.version == 1 && a.writer == "elixir")
      let written = try services.set(
        VariableWrite(
          a.id, .value(.integer(5), .integer), expectedVersion: 1,
          metadata: ["why": "test", "source": "me"]))
      #expect(written.version == 2)
      _ = try services.create(
        NewVariable(
          name: "c", type: .float, value: .value(.integer(2), .integer),
          constraintsJSON: #"{"min":0}"#))
      #expect(try services.get("c").constraintsJSON == #"{"min":0}"#)
      #expect(try services.list("*").map(\.name) == ["a", "b", "c"])
      let both = try services.setAll(
        [
          VariableWrite("a", .value(.integer(6), .integer), metadata: ["batch": "1"]),
          VariableWrite(
            "b", .value(.integer(7), .integer), metadata: ["batch": "2", "source": "me"]),
        ])
      #expect(both[0].revision == both[1].revision)
      try services.remove("c")
    }
    #expect(error == nil)
    let a = try session.get("a").variable
    #expect(a.value == .integer(6))
    #expect(a.writeMetadata["batch"] == "1")
    // Each write of a batch has its own.
    let b = try session.get("b").variable
    #expect(b.writeMetadata["batch"] == "2" && b.writerName == "tool:t")
    // Metadata does not decide who wrote.
    #expect(a.writerName == "tool:t")
    #expect(try session.history(of: "a").versions[1].writeMetadata["why"] == "test")
    #expect(try session.history(of: "a").versions[1].writerName == "tool:t")
    #expect(throws: SessionError.self) { try session.get("c") }
  }

  @Test func aBatchIsAllOrNothing() throws {
    let (error, session) = try run { services in
      _ = try services.setAll(
        [
          VariableWrite("a", .value(.integer(6), .integer)),
          VariableWrite("b", .value(.integer(7), .integer), expectedVersion: 9),
        ])
    }
    #expect((error as? SessionError)?.code == .versionMismatch)
    #expect(try session.get("a").variable.version == 1)
  }

  @Test func integersBecomeFloatsOnlyWhenNothingIsLost() throws {
    let (error, _) = try run { services in
      _ = try services.create(
        NewVariable(name: "f", type: .float, value: .value(.integer(1 << 53), .integer)))
      _ = try services.set(VariableWrite("f", .value(.integer(1 << 53 + 1), .integer)))
    }
    #expect((error as? SessionError)?.message.contains("9007199254740993") == true)
  }

  @Test func aReadOnlyToolWritesNothing() throws {
    for write: @Sendable (any CallServices) throws -> Void in [
      { _ = try $0.set(VariableWrite("a", .value(.integer(2), .integer))) },
      { _ = try $0.setAll([VariableWrite("a", .value(.integer(2), .integer))]) },
      {
        _ = try $0.create(
          NewVariable(name: "n", type: .string, value: .value(.string(""), .string)))
      },
      { try $0.remove("a") },
    ] {
      let (error, session) = try run({ $0.isReadOnly = true }) { services in
        #expect(try services.get("a").version == 1)
        try write(services)
      }
      #expect((error as? SessionError)?.code == .permissionDenied)
      #expect(session.revision == 2)
    }
  }

  @Test func whatIsNotDeclaredIsRefused() throws {
    func declare(_ tool: inout ToolDescription) {
      tool.reads = ["a"]
      tool.writes = ["out_*"]
    }
    for body: @Sendable (any CallServices) throws -> Void in [
      { _ = try $0.get("b") },
      { _ = try $0.get("missing") },
      { _ = try $0.set(VariableWrite("a", .value(.integer(2), .integer))) },
      { _ = try $0.set(VariableWrite(try $0.get("a").id, .value(.integer(2), .integer))) },
      { try $0.remove("a") },
      { _ = try $0.watch(["b"], initial: false) { _ in .goOn } },
      { _ = try $0.watch([], initial: false) { _ in .goOn } },
      {
        _ = try $0.create(
          NewVariable(name: "n", type: .string, value: .value(.string(""), .string)))
      },
    ] {
      let (error, _) = try run(declare, body)
      #expect((error as? SessionError)?.code == .permissionDenied, "\(String(describing: error))")
    }
    let (error, session) = try run(declare) { services in
      #expect(try services.list("").map(\.name) == ["a"])
      _ = try services.get("a")
      _ = try services.create(
        NewVariable(name: "out_1", type: .integer, value: .value(.integer(2), .integer)))
      #expect(try services.get("out_1").version == 1)
      try services.watch(["a"], initial: false) { _ in .goOn }.cancel()
    }
    #expect(error == nil)
    #expect(session.statistics.watches == 0)
  }

  @Test func changesComeInOrderAfterTheInitialValues() throws {
    let seen = Locked<[(VariableChange.Kind, Value?)]>([])
    let ended = Gate()
    let test = try TestHost([
      ClosureTool("t") { call in
        let subscription = try? call.services.watch(["a"], initial: true) { changes in
          for change in changes {
            seen.withLock { $0.append((change.kind, change.variable?.value)) }
            if change.kind == .ended || change.variable?.value == .integer(200) { ended.open() }
          }
          return .goOn
        }
        for number in 1...200 {
          _ = try? call.services.set(
            VariableWrite("a", .value(.integer(Int64(number)), .integer)))
        }
        ended.wait()
        subscription?.cancel()
        call.finish()
      }
    ])
    try test.session.register(
      name: "a", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    _ = try test.run("t")
    let all = seen.withLock { $0 }
    #expect(all.prefix(2).map(\.0) == [.initial, .synced])
    #expect(all.dropFirst(2).map(\.1) == (1...200).map { .integer($0) })
    #expect(test.session.statistics.watches == 0)
  }

  @Test func aSubscriptionEndsWithItsSession() throws {
    let store = SessionStore()
    let session = try store.create("x")
    let host = try TestHost([ClosureTool("t") { $0.finish() }]).host
    let registered = try host.registry.admit("t").registered
    let kinds = Locked<[VariableChange.Kind]>([])
    let ended = Gate()
    let services = SessionServices(
      session: session, tool: RunningTool(registered: registered, host: host))
    let subscription = try services.watch([], initial: false) { changes in
      kinds.withLock { $0 += changes.map(\.kind) }
      if changes.last?.kind == .ended { ended.open() }
      return .goOn
    }
    let told = Gate()
    services.whenSessionEnds { told.open() }
    store.remove("x")
    ended.wait()
    told.wait()
    #expect(kinds.withLock { $0 } == [.ended])
    withExtendedLifetime(subscription) {}
  }
}
