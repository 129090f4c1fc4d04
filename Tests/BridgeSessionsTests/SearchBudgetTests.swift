import Synchronization
import Testing

@testable import BridgeSessions

/// What a request's searches may take together, and what becomes of those that take longer.
@Suite struct SearchBudgetTests {
  private let session: Session
  private let writer = Writer(.elixir)
  /// A pattern whose search takes the square of such a text, which it is not found in.
  private let slow = #"{"pattern": "(?<=a)a*[bc]|^.{0,3}$"}"#
  private let long = String(repeating: "a", count: 20_000)

  init() throws {
    session = try SessionStore().create("s")
    for name in ["a", "b", "c"] {
      try session.register(
        name: name, type: .string, constraints: slow, payload: Payload(.string("x")),
        writer: writer)
    }
  }

  private func needsTime(_ body: () throws -> Void) -> Bool {
    do {
      try body()
      return false
    } catch SearchInterruption.needsTime {
      return true
    } catch {
      return false
    }
  }

  private func version(of name: String) throws -> Int32 {
    try session.get(name).variable.version
  }

  @Test func whatTakesLittleIsFoundAtOnce() throws {
    var searches = SearchBudget.brief
    try session.set("a", writer: writer, searches: &searches) { _ in Payload(.string("abc")) }
    #expect(searches.stepsLeft > SearchBudget.briefSteps / 2)
    #expect(searches.stepsLeft < SearchBudget.briefSteps)
    let error = #expect(throws: SessionError.self) {
      try session.set("a", writer: writer, searches: &searches) { _ in Payload(.string("aaaa")) }
    }
    #expect(error?.code == .invalidValue)
  }

  @Test func whatTakesLongerWritesNothing() throws {
    let value = Payload(.string(long))
    try session.set("b", writer: writer) { _ in Payload(.string("y")) }
    let revision = session.revision
    let ways: [(inout SearchBudget) throws -> Void] = [
      { try session.set("a", writer: writer, searches: &$0) { _ in value } },
      { searches in
        _ = try Registration(
          name: "new", type: .string, constraints: slow, accessControl: "", payload: value,
          metadata: [:], limits: SessionLimits(), searches: &searches)
      },
      {
        try session.setConstraints(
          slow, of: "a", writer: writer, searches: &$0, payload: { _ in value })
      },
      { searches in
        var done: [Session.UpdateResult] = []
        _ = try session.set(
          [Update("b") { _ in Payload(.string("z")) }, Update("a") { _ in value }], atomic: true,
          writer: writer, done: &done, searches: &searches)
      },
    ]
    for way in ways {
      #expect(
        needsTime {
          var searches = SearchBudget.brief
          try way(&searches)
        })
    }
    #expect(session.revision == revision)
  }

  @Test func aRollbackSearchesToo() throws {
    let plain = try session.register(
      name: "d", type: .string, payload: Payload(.string(long)), writer: writer)
    try session.setConstraints(
      slow, of: "d", writer: writer, payload: { _ in Payload(.string("x")) })
    #expect(
      needsTime {
        var searches = SearchBudget.brief
        try session.rollback("d", to: plain.version, writer: writer, searches: &searches)
      })
    #expect(try version(of: "d") == 2)
  }

  @Test func aBatchThatIsNotAtomicGoesOnWhereItWasInterrupted() throws {
    let updates = [
      Update("a") { _ in Payload(.string("y")) },
      Update("none") { _ in Payload(.string("y")) },
      Update("b") { _ in Payload(.string(long)) },
      Update("c") { _ in Payload(.string("y")) },
    ]
    var done: [Session.UpdateResult] = []
    #expect(
      needsTime {
        var searches = SearchBudget.brief
        _ = try session.set(
          updates, atomic: false, writer: writer, done: &done, searches: &searches)
      })
    #expect(done.count == 2)
    #expect(try version(of: "a") == 2)
    var searches = SearchBudget.long { false }
    let result = try session.set(
      updates, atomic: false, writer: writer, done: &done, searches: &searches)
    #expect(result.results.map { (try? $0.get())?.name } == ["a", nil, nil, "c"])
    #expect(try version(of: "a") == 2)
    #expect(try version(of: "b") == 1)
    #expect(try version(of: "c") == 2)
  }

  @Test func theSearchesOfARequestAreBoundedTogether() throws {
    var searches = SearchBudget.long { false }
    let pattern = try PCREPattern("(?<=a)a*[bc]")
    let text = String(repeating: "a", count: 300_000)
    var messages: [String] = []
    for _ in 0..<20 {
      let error = #expect(throws: SessionError.self) { try pattern.matches(text, &searches) }
      messages.append(error?.message ?? "")
    }
    #expect(messages.first?.contains("takes more steps than it may") == true)
    #expect(messages.last?.contains("than they may together") == true)
    #expect(searches.stepsLeft == 0)
  }

  @Test func aSearchEndsWithItsRequest() throws {
    let looks = Atomic<Int>(0)
    var searches = SearchBudget.long {
      looks.add(1, ordering: .relaxed).newValue >= 3
    }
    let pattern = try PCREPattern("(?<=a)a*[bc]")
    let interruption = #expect(throws: SearchInterruption.self) {
      try pattern.matches(String(repeating: "a", count: 300_000), &searches)
    }
    #expect(interruption == .requestEnded)
    #expect(looks.load(ordering: .relaxed) == 3)
    #expect(searches.stepsLeft > SearchBudget.longSteps - 10_000_000)
  }

  @Test func nothingIsWrittenForARequestThatHasEnded() throws {
    var searches = SearchBudget.long { true }
    var done: [Session.UpdateResult] = []
    for atomic in [true, false] {
      let interruption = #expect(throws: SearchInterruption.self) {
        try session.set(
          [Update("a") { _ in Payload(.string("y")) }], atomic: atomic, writer: writer,
          done: &done, searches: &searches)
      }
      #expect(interruption == .requestEnded)
    }
    #expect(try version(of: "a") == 1)
  }

  /// Nobody knows how long a pattern without steps takes.
  @Test func patternsThatAreNotCountedNeedTime() throws {
    let pattern = try PCREPattern(#"^(?:(?:\w|\d)*?(?:e|f)+x){0,1400}$"#)
    #expect(
      needsTime {
        var searches = SearchBudget.brief
        _ = try pattern.matches("abexcdfx", &searches)
      })
    var searches = SearchBudget.long { false }
    #expect(try pattern.matches("abexcdfx", &searches))
    #expect(searches.stepsLeft < SearchBudget.longSteps)
  }

  @Test func anImportSearchesWithinABudget() throws {
    var image = try session.image()
    image.id = "other"
    image.variables[0].versions[0].payload.value = .string(long)
    let interruption = #expect(throws: SearchInterruption.self) {
      try SessionStore().restore(image, searches: .brief)
    }
    #expect(interruption == .needsTime)
  }
}
