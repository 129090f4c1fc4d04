import BridgeSessions
import Testing
import Threads

@testable import BridgeTools

/// Tools whose writes are held back until they succeed.
@Suite struct AtomicToolTests {
  private static func integer(_ number: Int64) -> ToolValue { .value(.integer(number), .integer) }

  /// An atomic tool that does something and answers 1, or fails with what it threw.
  private static func atomic(
    _ name: String = "t", _ change: @escaping @Sendable (inout ToolDescription) -> Void = { _ in },
    _ body: @escaping @Sendable (ToolCall) throws -> Void
  ) -> ClosureTool {
    ClosureTool(
      name,
      {
        $0.isAtomic = true
        change(&$0)
      },
      answering(body))
  }

  private static func answering(
    _ body: @escaping @Sendable (ToolCall) throws -> Void
  ) -> @Sendable (ToolCall) -> Void {
    { call in
      do {
        try body(call)
        call.answer(1)
      } catch {
        let code = (error as? SessionError)?.code.statusCode ?? 2
        call.fail(ToolFailure(code: code, message: "\(error)", type: "own"))
      }
    }
  }

  private func host(_ tools: [any Tool]) throws -> TestHost {
    let test = try TestHost(tools)
    for name in ["a", "b"] {
      try test.session.register(
        name: name, type: .integer, payload: Payload(.integer(1)), writer: Writer(.elixir))
    }
    return test
  }

  private func host(_ body: @escaping @Sendable (ToolCall) throws -> Void) throws -> TestHost {
    try host([Self.atomic("t", { _ in }, body)])
  }

  @Test func writesAreMadeTogetherAtTheEnd() throws {
    let test = try host { call in
      let services = call.services
      _ = try services.set(VariableWrite("a", Self.integer(2), metadata: ["why": "one"]))
      _ = try services.set(VariableWrite("a", Self.integer(3), metadata: ["why": "two"]))
      _ = try services.create(
        NewVariable(
          name: "n", type: .float, value: Self.integer(4), constraintsJSON: #"{"min":0}"#,
          metadata: ["unit": "m"]))
      _ = try services.set(VariableWrite("n", Self.integer(5), metadata: ["why": "three"]))
      try services.remove("b")
    }
    let before = test.session.revision
    #expect(try test.run("t").integer == 1)
    #expect(test.session.revision == before + 1)
    let a = try test.session.get("a").variable
    #expect(a.revision == before + 1)
    #expect(a.value == .integer(3) && a.version == 2 && a.writeMetadata["why"] == "two")
    #expect(a.writerName == "tool:t")
    let n = try test.session.get("n").variable
    #expect(n.value == .float(5) && n.version == 1 && n.revision == before + 1)
    #expect(n.metadata["unit"] == "m" && n.metadata["why"] == "three")
    #expect(n.definition.constraintsJSON == #"{"min":0}"#)
    #expect(throws: SessionError.self) { try test.session.get("b") }
  }

  @Test func theToolReadsWhatItWrote() throws {
    let session = Locked<Session?>(nil)
    let test = try host { call in
      let services = call.services
      let others = session.withLock { $0! }
      let revision = others.revision
      let id = try services.get("a").id
      let written = try services.set(VariableWrite("a", Self.integer(2), expectedVersion: 1))
      #expect(written.version == 2 && written.revision == 0 && written.writer == "tool:t")
      #expect(try services.get("a").value == .integer(2))
      #expect(try services.get(id).version == 2)
      // Versions go on, so that threads of one tool can compare and set.
      #expect(throws: SessionError.self) {
        try services.set(VariableWrite("a", Self.integer(9), expectedVersion: 1))
      }
      #expect(
        try services.set(VariableWrite(id, Self.integer(3), expectedVersion: 2)).version == 3)
      let created = try services.create(
        NewVariable(name: "n", type: .integer, value: Self.integer(7)))
      #expect(created.id == "n" && created.version == 1)
      #expect(try services.list("").map(\.name) == ["a", "b", "n"])
      #expect(try services.list("n*").map(\.value) == [.integer(7)])
      #expect(try services.list("a")[0].value == .integer(3))
      #expect(throws: SessionError.self) {
        try services.create(NewVariable(name: "n", type: .float, value: Self.integer(1)))
      }
      try services.remove("n")
      #expect(throws: SessionError.self) { try services.get("n") }
      try services.remove("b")
      #expect(throws: SessionError.self) { try services.get("b") }
      #expect(throws: SessionError.self) { try services.set(VariableWrite("b", Self.integer(1))) }
      #expect(try services.list("").map(\.name) == ["a"])
      // Others see nothing of it.
      #expect(try others.get("a").variable.value == .integer(1))
      #expect(others.revision == revision)
    }
    session.withLock { $0 = test.session }
    #expect(try test.run("t").integer == 1)
    #expect(try test.session.get("a").variable.value == .integer(3))
    #expect(try test.session.list().variables.map(\.name) == ["a"])
  }

  @Test func whatIsWrongIsRefusedAtOnce() throws {
    let test = try host { call in
      let services = call.services
      func code(_ body: () throws -> Void) -> SessionError.Code? {
        do {
          try body()
          return nil
        } catch {
          return (error as? SessionError)?.code
        }
      }
      func set(_ name: String, _ value: ToolValue, expecting: Int32 = 0) -> SessionError.Code? {
        code { _ = try services.set(VariableWrite(name, value, expectedVersion: expecting)) }
      }
      #expect(set("x", Self.integer(1)) == .variableNotFound)
      #expect(set("a", .value(.string("x"), .string)) == .invalidValue)
      #expect(set("a", Self.integer(1), expecting: 9) == .versionMismatch)
      #expect(
        code {
          _ = try services.create(
            NewVariable(
              name: "n", type: .integer, value: Self.integer(1), constraintsJSON: #"{"min":2}"#))
        } == .invalidValue)
      #expect(
        code {
          _ = try services.create(NewVariable(name: "a", type: .integer, value: Self.integer(1)))
        } == .alreadyExists)
      #expect(
        code {
          _ = try services.create(NewVariable(name: "a*", type: .integer, value: Self.integer(1)))
        } == .invalidArgument)
      #expect(code { try services.remove("x") } == .variableNotFound)
      // A batch that is refused leaves what was there before it.
      _ = try services.set(VariableWrite("b", Self.integer(5)))
      #expect(
        code {
          _ = try services.setAll([
            VariableWrite("a", Self.integer(2)), VariableWrite("x", Self.integer(2)),
          ])
        } == .variableNotFound)
      #expect(
        code {
          _ = try services.setAll([
            VariableWrite("a", Self.integer(2)), VariableWrite("a", Self.integer(3)),
          ])
        } == .invalidArgument)
      #expect(try services.get("a").value == .integer(1))
      #expect(try services.get("b").value == .integer(5))
    }
    #expect(try test.run("t").integer == 1)
    #expect(try test.session.get("a").variable.version == 1)
    #expect(try test.session.get("b").variable.version == 2)
  }

  @Test func aFailureWritesNothing() throws {
    let test = try host { call in
      _ = try call.services.set(VariableWrite("a", Self.integer(2)))
      _ = try call.services.create(
        NewVariable(name: "n", type: .integer, value: Self.integer(1)))
      try call.services.remove("b")
      throw SessionError(.unsupported, "no")
    }
    let revision = test.session.revision
    #expect(try test.run("t").failure?.code == 12)
    #expect(test.session.revision == revision)
  }

  @Test(arguments: [ToolCall.Cancellation.cancelled, .deadlineExceeded])
  func whatIsCancelledWritesNothing(_ reason: ToolCall.Cancellation) throws {
    let written = Gate()
    let cancelled = Gate()
    // It does not look, and succeeds.
    let test = try host { call in
      _ = try call.services.set(VariableWrite("a", Self.integer(2)))
      written.open()
      cancelled.wait()
    }
    let recorder = Recorder()
    let call = try test.start("t", recorder: recorder)
    written.wait()
    call.cancel(reason)
    cancelled.open()
    #expect(recorder.wait().failure?.code == reason.rawValue)
    #expect(try test.session.get("a").variable.version == 1)
  }

  @Test func aPassedDeadlineWritesNothing() throws {
    let test = try host { call in
      _ = try call.services.set(VariableWrite("a", Self.integer(2)))
      while MonotonicClock.now < call.request.deadline! {}
    }
    let recorder = Recorder()
    // Nobody cancels it then: the call looks itself.
    try test.start("t", deadline: MonotonicClock.now + 20_000_000, recorder: recorder)
    #expect(recorder.wait().failure?.code == 4)
    #expect(try test.session.get("a").variable.version == 1)
  }

  /// What others do while the call goes on.
  @Test(arguments: [0, 1, 2, 3, 4])
  func aConflictEndsTheCallWithAborted(_ kind: Int) throws {
    let read = Gate()
    let changed = Gate()
    let test = try host { call in
      let services = call.services
      switch kind {
      case 0: _ = try services.set(VariableWrite("a", Self.integer(5), expectedVersion: 1))
      case 1:
        // A condition without a write, and one that comes after the first write.
        var check = VariableWrite("a", .null, expectedVersion: 1)
        check.isCheckOnly = true
        _ = try services.setAll([check])
      case 2:
        _ = try services.set(VariableWrite("a", Self.integer(5)))
        _ = try services.set(VariableWrite("a", Self.integer(6), expectedVersion: 2))
      case 3: try services.remove("a")
      default:
        _ = try services.create(NewVariable(name: "n", type: .integer, value: Self.integer(1)))
      }
      _ = try services.set(VariableWrite("b", Self.integer(5)))
      read.open()
      changed.wait()
    }
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    read.wait()
    switch kind {
    case 3: _ = try test.session.delete("a", writer: Writer(.elixir))
    case 4:
      try test.session.register(
        name: "n", type: .integer, payload: Payload(.integer(3)), writer: Writer(.elixir))
    default:
      try test.session.set("a", writer: Writer(.elixir)) { _ in Payload(.integer(3)) }
    }
    let revision = test.session.revision
    changed.open()
    let failure = try #require(recorder.wait().failure)
    #expect(failure.code == 10 && failure.type == "conflict" && failure.isRetryable)
    #expect(failure.details.contains(#""variable":"#) || kind == 4)
    #expect(test.session.revision == revision)
    #expect(try test.session.get("b").variable.version == 1)
  }

  /// A condition holds nothing back: what it is about is read as it is, with what others do to it.
  @Test func whatIsOnlyCheckedIsReadAsItIs() throws {
    let read = Gate()
    let changed = Gate()
    let test = try host { call in
      let services = call.services
      for name in ["a", "b"] {
        var check = VariableWrite(name, .null, expectedVersion: 1)
        check.isCheckOnly = true
        _ = try services.setAll([check])
      }
      #expect(try services.get("a").value == .integer(1))
      #expect(try services.list("").map(\.name) == ["a", "b"])
      read.open()
      changed.wait()
      let a = try services.get("a")
      #expect(a.value == .integer(3) && a.version == 2)
      #expect(try services.list("").map(\.value) == [.integer(3)])
      #expect(throws: SessionError.self) { try services.get("b") }
    }
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    read.wait()
    try test.session.set("a", writer: Writer(.elixir)) { _ in Payload(.integer(3)) }
    _ = try test.session.delete("b", writer: Writer(.elixir))
    changed.open()
    #expect(recorder.wait().failure?.code == 10)
  }

  /// A tool that compares and sets until it succeeds does not try for ever.
  @Test func aConflictShowsAtTheCommit() throws {
    let read = Gate()
    let changed = Gate()
    let test = try host { call in
      let services = call.services
      let first = try services.set(VariableWrite("a", Self.integer(5), expectedVersion: 1))
      read.open()
      changed.wait()
      _ = try services.set(
        VariableWrite("a", Self.integer(6), expectedVersion: first.version))
      try services.remove("a")
    }
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    read.wait()
    try test.session.set("a", writer: Writer(.elixir)) { _ in Payload(.integer(3)) }
    changed.open()
    #expect(recorder.wait().failure?.code == 10)
    #expect(try test.session.get("a").variable.value == .integer(3))
  }

  @Test func theSameVersionOfAnotherVariableIsAConflict() throws {
    let read = Gate()
    let changed = Gate()
    let test = try host { call in
      _ = try call.services.set(VariableWrite("a", Self.integer(5), expectedVersion: 1))
      read.open()
      changed.wait()
    }
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    read.wait()
    _ = try test.session.delete("a", writer: Writer(.elixir))
    try test.session.register(
      name: "a", type: .integer, payload: Payload(.integer(3)), writer: Writer(.elixir))
    changed.open()
    #expect(recorder.wait().failure?.code == 10)
    #expect(try test.session.get("a").variable.value == .integer(3))
  }

  @Test func aWriteWithoutAConditionOutlivesOthers() throws {
    let written = Gate()
    let changed = Gate()
    let test = try host { call in
      _ = try call.services.set(VariableWrite("a", Self.integer(5)))
      written.open()
      changed.wait()
      #expect(try call.services.get("a").value == .integer(5))
    }
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    written.wait()
    try test.session.set("a", writer: Writer(.elixir)) { _ in Payload(.integer(3)) }
    changed.open()
    #expect(recorder.wait().integer == 1)
    let a = try test.session.get("a").variable
    #expect(a.value == .integer(5) && a.version == 3)
  }

  @Test func aRefusedCommitSaysWhy() throws {
    let written = Gate()
    let changed = Gate()
    let test = try host { call in
      _ = try call.services.set(VariableWrite("a", Self.integer(5)))
      _ = try call.services.set(VariableWrite("b", Self.integer(5)))
      written.open()
      changed.wait()
    }
    let recorder = Recorder()
    try test.start("t", recorder: recorder)
    written.wait()
    var searches = SearchBudget()
    try test.session.setConstraints(
      #"{"max":3}"#, of: "a", writer: Writer(.elixir), searches: &searches)
    changed.open()
    let failure = recorder.wait().failure
    #expect(failure?.code == 3 && failure?.type == "commit_refused")
    #expect(failure?.message.contains("t has written nothing") == true)
    #expect(try test.session.get("b").variable.version == 1)
  }

  @Test func aReplacedVariableIsAnother() throws {
    let test = try host { call in
      let services = call.services
      let id = try services.get("a").id
      try services.remove(id)
      let new = try services.create(
        NewVariable(name: "a", type: .string, value: .value(.string("x"), .string)))
      #expect(new.id == "a" && new.version == 1)
      #expect(throws: SessionError.self) { try services.get(id) }
      #expect(throws: SessionError.self) { try services.set(VariableWrite(id, Self.integer(1))) }
      _ = try services.set(VariableWrite("a", .value(.string("y"), .string)))
      #expect(try services.list("").map(\.name) == ["a", "b"])
    }
    let before = try test.session.get("a").variable
    #expect(try test.run("t").integer == 1)
    let after = try test.session.get("a").variable
    #expect(after.id != before.id && after.value == .string("y") && after.version == 1)
  }

  @Test func whatComesAndGoesLeavesNothing() throws {
    let test = try host { call in
      let services = call.services
      _ = try services.create(NewVariable(name: "n", type: .integer, value: Self.integer(1)))
      try services.remove("n")
      _ = try services.create(NewVariable(name: "n", type: .integer, value: Self.integer(1)))
      try services.remove("n")
      try services.remove("a")
      _ = try services.create(NewVariable(name: "a", type: .integer, value: Self.integer(2)))
      try services.remove("a")
    }
    let revision = test.session.revision
    #expect(try test.run("t").integer == 1)
    #expect(test.session.revision == revision + 1)
    #expect(try test.session.list().variables.map(\.name) == ["b"])
  }

  @Test func whatIsNotDeclaredIsRefused() throws {
    let test = try host([
      Self.atomic(
        "t", { ($0.reads, $0.writes) = (["a"], ["b"]) },
        { call in
          #expect(throws: SessionError.self) {
            try call.services.set(VariableWrite("a", Self.integer(2)))
          }
          _ = try call.services.set(VariableWrite("b", Self.integer(2)))
          #expect(try call.services.list("").map(\.value) == [.integer(1), .integer(2)])
        })
    ])
    #expect(try test.run("t").integer == 1)
    #expect(try test.session.get("b").variable.value == .integer(2))
  }

  // MARK: Calls within the call

  /// Calls `inner`, waits for it, and fails as it fails.
  @Sendable private static func callInner(_ call: ToolCall) throws {
    let recorder = Recorder()
    _ = try call.services.start(
      "inner", arguments: [], isStreaming: false, from: call, waits: true, observer: recorder)
    if let failure = recorder.wait().failure { throw failure }
  }

  @Test func writesOfCalledToolsBelongToTheCall() throws {
    let fails = Locked(false)
    let test = try host([
      Self.atomic { call in
        _ = try call.services.set(VariableWrite("a", Self.integer(2)))
        try Self.callInner(call)
        #expect(try call.services.get("b").value == .integer(3))
        if fails.withLock({ $0 }) { throw SessionError(.unsupported, "no") }
      },
      ClosureTool(
        "inner",
        Self.answering { call in
          #expect(try call.services.get("a").value == .integer(2))
          _ = try call.services.set(VariableWrite("b", Self.integer(3)))
        }),
    ])
    let revision = test.session.revision
    fails.withLock { $0 = true }
    #expect(try test.run("t").failure?.code == 12)
    #expect(test.session.revision == revision)
    fails.withLock { $0 = false }
    #expect(try test.run("t").integer == 1)
    #expect(test.session.revision == revision + 1)
    // Each version says who wrote it.
    #expect(try test.session.get("a").variable.writerName == "tool:t")
    #expect(try test.session.get("b").variable.writerName == "tool:inner")
  }

  @Test func anAtomicToolWithinAnotherIsATransactionWithin() throws {
    let fails = Locked(true)
    let test = try host([
      Self.atomic { call in
        _ = try call.services.set(VariableWrite("a", Self.integer(2)))
        do {
          try Self.callInner(call)
        } catch {
          // What it wrote is gone, what this call wrote is not.
          #expect(try call.services.get("a").value == .integer(2))
          #expect(try call.services.list("").map(\.name) == ["a", "b"])
        }
      },
      Self.atomic("inner") { call in
        let services = call.services
        let seen = try services.get("a")
        #expect(seen.value == .integer(2))
        let written = try services.set(
          VariableWrite("a", Self.integer(7), expectedVersion: seen.version))
        #expect(written.version == seen.version + 1)
        _ = try services.create(NewVariable(name: "n", type: .integer, value: Self.integer(1)))
        try services.remove("b")
        _ = try services.create(NewVariable(name: "b", type: .integer, value: Self.integer(8)))
        if fails.withLock({ $0 }) { throw SessionError(.unsupported, "no") }
      },
    ])
    #expect(try test.run("t").integer == 1)
    #expect(try test.session.list().variables.map(\.value) == [.integer(2), .integer(1)])
    fails.withLock { $0 = false }
    let revision = test.session.revision
    #expect(try test.run("t").integer == 1)
    #expect(test.session.revision == revision + 1)
    let variables = try test.session.list().variables
    #expect(variables.map(\.name) == ["a", "b", "n"] || variables.map(\.name) == ["a", "n", "b"])
    #expect(try test.session.get("a").variable.value == .integer(7))
    #expect(try test.session.get("b").variable.value == .integer(8))
    #expect(try test.session.get("b").variable.version == 1)
  }

  @Test func aCallThatOutlivesTheTransactionWritesNothing() throws {
    let ended = Gate()
    let refused = Gate()
    let started = Gate()
    let test = try host([
      Self.atomic { call in
        _ = try call.services.set(VariableWrite("a", Self.integer(2)))
        _ = try call.services.start(
          "inner", arguments: [], isStreaming: false, from: call, waits: false,
          observer: Recorder())
        started.wait()
      },
      ClosureTool("inner") { call in
        started.open()
        ended.wait()
        let error = #expect(throws: SessionError.self) {
          try call.services.set(VariableWrite("b", Self.integer(3)))
        }
        #expect(error?.code == .failedPrecondition)
        refused.open()
        call.finish()
      },
    ])
    #expect(try test.run("t").integer == 1)
    ended.open()
    refused.wait()
    #expect(try test.session.get("a").variable.value == .integer(2))
    #expect(try test.session.get("b").variable.version == 1)
    test.waitUntilIdle()
  }

  // MARK: Bounds

  @Test func soManyVariablesAndNoMore() throws {
    let test = try host { call in
      for number in 0..<PendingChanges.limit {
        _ = try call.services.create(
          NewVariable(name: "n\(number)", type: .integer, value: Self.integer(1)))
      }
      let error = #expect(throws: SessionError.self) {
        try call.services.set(VariableWrite("a", Self.integer(3)))
      }
      #expect(error?.code == .limitReached)
    }
    let revision = test.session.revision
    #expect(try test.run("t").integer == 1)
    #expect(test.session.revision == revision + 1)
    #expect(test.session.statistics.variables == PendingChanges.limit + 2)
  }

  @Test func aForwardedCallCommitsElsewhere() throws {
    let thread = Locked<UInt>(0)
    let test = try host([
      Self.atomic("t", { $0.execution = .forwarded }) { call in
        _ = try call.services.set(VariableWrite("a", Self.integer(2)))
        thread.withLock { $0 = 1 }
      }
    ])
    #expect(try test.run("t", onEventLoop: true).integer == 1)
    #expect(try test.session.get("a").variable.value == .integer(2))
  }

  /// Transfers between two variables, many at once: the sum stays, whoever looks.
  @Test func concurrentTransactionsAddUp() throws {
    let test = try host { call in
      let services = call.services
      let a = try services.get("a")
      let b = try services.get("b")
      guard case .integer(let left) = a.value, case .integer(let right) = b.value else { return }
      _ = try services.set(
        VariableWrite("a", Self.integer(left - 1), expectedVersion: a.version))
      _ = try services.set(
        VariableWrite("b", Self.integer(right + 1), expectedVersion: b.version))
    }
    let done = Locked(0)
    let recorders = (0..<200).map { _ in Recorder() }
    for recorder in recorders { try test.start("t", recorder: recorder) }
    for recorder in recorders {
      let outcome = recorder.wait()
      if outcome.integer == 1 {
        done.withLock { $0 += 1 }
      } else {
        #expect(outcome.failure?.code == 10)
      }
      let (values, _) = try test.session.get(["a", "b"])
      #expect(values.compactMap { $0?.version }.reduce(0, +) % 2 == 0)
    }
    let count = Int64(done.withLock { $0 })
    #expect(count > 0)
    #expect(try test.session.get("a").variable.value == .integer(1 - count))
    #expect(try test.session.get("b").variable.value == .integer(1 + count))
  }

  @Test(arguments: [
    (SessionError.Code.versionMismatch, 10, "conflict", true),
    (.variableNotFound, 10, "conflict", true), (.alreadyExists, 10, "conflict", true),
    (.storageUnavailable, 14, "commit_refused", true),
    (.limitReached, 8, "commit_refused", false), (.invalidValue, 3, "commit_refused", false),
  ])
  func aRefusedCommitSaysWhetherToTryAgain(
    code: SessionError.Code, status: Int32, type: String, isRetryable: Bool
  ) {
    let error = SessionError(code, "no", details: ["b": "\"", "a": "1"])
    let failure = ToolFailure(refusing: error, tool: "t")
    #expect(Int32(failure.code) == status && failure.type == type)
    #expect(failure.isRetryable == isRetryable)
    #expect(failure.message.hasPrefix("t has written nothing"))
    #expect(failure.details == #"{"a":"1","b":"\""}"#)
    struct Odd: Error {}
    let odd = ToolFailure(refusing: Odd(), tool: "t")
    #expect(odd.code == 13 && !odd.isRetryable && odd.type == "commit_refused")
  }
}
