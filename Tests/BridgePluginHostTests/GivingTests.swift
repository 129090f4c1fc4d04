import BridgeSessions
import BridgeTools
import Testing

@testable import BridgePluginHost

/// Results that a tool gives away: they are not copied, and their memory goes back once.
@Suite struct GivingTests {
  private let fixture: Fixture
  private let host = TestHost()
  private let session: Session

  init() throws {
    fixture = try Fixture("giving.c")
    session = try Plugins.makeSession()
    _ = try host.plugins.load(fixture.path)
  }

  private func give(_ kind: Int) throws -> ToolOutcome {
    try host.run("give", ["kind": "\(kind)"], session: session)
  }

  /// How much has been given away and is not back.
  private func outstanding() throws -> String { try host.result("outstanding", session: session) }

  @Test func itIsTheMemoryThatWasGiven() throws {
    for (kind, shape) in [(3, [3000]), (4, [3, 1000])] {
      do {
        let outcome = try give(kind)
        guard case .success(.donated(let value)) = outcome.result,
          case .numbers(_, shape: let own, .float64) = value.content
        else {
          Issue.record("\(outcome)")
          return
        }
        #expect(own == shape)
        value.memory.withUnsafeBytes { memory in
          #expect(memory.count == 24_000)
          // Its first number tells where it was.
          #expect(memory.load(as: Double.self) == Double(UInt(bitPattern: memory.baseAddress)))
          #expect(memory.load(fromByteOffset: 2999 * 8, as: Double.self) == 2999)
        }
        #expect(try outstanding() == "1")
        withExtendedLifetime(outcome) {}
      }
      #expect(Fixture.eventually { (try? outstanding()) == "0" })
    }
  }

  @Test(arguments: [
    (0, ToolValue.bytes(Array("some bytes".utf8))),
    (1, .json(Array(#"{"a":[1,2,3]}"#.utf8), .object)), (2, .json(Array(#""text""#.utf8), .any)),
    (5, .value(.string("a string"), .string)), (6, .json(Array("[1,2]".utf8), .array)),
    (16, .bytes(Array("third".utf8))),
  ])
  func itIsTheValueThatWasGiven(kind: Int, value: ToolValue) throws {
    do { #expect(try give(kind).result.get().owned == value) }
    #expect(Fixture.eventually { (try? outstanding()) == "0" })
  }

  @Test(arguments: 10..<15)
  func whatIsRefusedGoesBack(_ kind: Int) throws {
    #expect(code(try give(kind)) == 3)
    #expect(try outstanding() == "0")
  }

  @Test func whatComesTooLateGoesBack() throws {
    _ = try give(15)
    #expect(Fixture.eventually { (try? outstanding()) == "0" })
  }

  @Test func aFailedCallGivesItBack() throws {
    do { #expect(code(try give(17)) == 15) }
    #expect(Fixture.eventually { (try? outstanding()) == "0" })
  }

  @Test func aCancelledCallGivesItBack() throws {
    let recorder = Recorder()
    let call = try host.begin("give", ["kind": "18"], session: session, recorder: recorder)
    while recorder.progress.isEmpty {}
    #expect(try outstanding() == "1")
    call.cancel(.cancelled)
    #expect(code(recorder.wait()) == 1)
    #expect(Fixture.eventually { (try? outstanding()) == "0" })
  }

  @Test func anotherToolSeesTheSameMemory() throws {
    #expect(try host.result("pass_on", session: session) == "1")
    #expect(Fixture.eventually { (try? outstanding()) == "0" })
  }

  private func code(_ outcome: ToolOutcome) -> Int32 {
    if case .failure(let failure) = outcome.result { failure.code } else { 0 }
  }
}
