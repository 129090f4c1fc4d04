import BridgeProtocol
import BridgeSessions
import Synchronization
import Testing

@testable import BridgeService

@Suite struct LongUpdatesTests {
  private let updates = LongUpdates()
  private let session: Session
  private let variable: Variable

  init() throws {
    session = try SessionStore().create("s")
    variable = try session.register(
      name: "v", type: .embedding,
      payload: Payload(.array(NumericArray(Array(repeating: 0.5, count: 10_000)))),
      writer: Writer(.elixir))
  }

  /// Keeps what it is to run until a test runs it.
  private final class Thread: Sendable {
    private let work = Mutex<[@Sendable () -> Void]>([])

    var count: Int { work.withLock { $0.count } }
    func add(_ body: @escaping @Sendable () -> Void) { work.withLock { $0.append(body) } }
    func run() { for body in work.withLock({ $0 }) { body() } }
  }

  @Test func anUpdateIsMadeOnceForAllWhoWait() {
    let thread = Thread()
    let told = Mutex<[[UInt8]]>([])
    let made = Mutex(0)
    for _ in 0..<5 {
      updates.make(
        LongUpdates.Key(variable, .json, epoch: "e"), on: thread.add,
        {
          made.withLock { $0 += 1 }
          return [1, 2]
        }, then: { update in told.withLock { $0.append(update) } })
    }
    #expect(thread.count == 1)
    thread.run()
    #expect(made.withLock { $0 } == 1)
    #expect(told.withLock { $0 } == Array(repeating: [1, 2], count: 5))
  }

  @Test func othersAreMadeApart() throws {
    let thread = Thread()
    let other = try session.set("v", writer: Writer(.elixir)) { _ in
      Payload(.array(NumericArray([1])))
    }
    let keys = [
      LongUpdates.Key(variable, .json, epoch: "e"), LongUpdates.Key(other, .json, epoch: "e"),
      LongUpdates.Key(variable, .binary(.erlang), epoch: "e"),
      LongUpdates.Key(variable, .json, epoch: "f"),
    ]
    for key in keys { updates.make(key, on: thread.add, { [] }, then: { _ in }) }
    #expect(thread.count == 4)
    thread.run()
    // What was made is made again for those who come later.
    updates.make(keys[0], on: thread.add, { [] }, then: { _ in })
    #expect(thread.count == 5)
  }

  @Test func textThatIsKeptIsNotLong() throws {
    #expect(UpdateEncoding.isLong(variable, .json))
    #expect(!UpdateEncoding.isLong(variable, .binary(.raw)))
    #expect(!UpdateEncoding.isLong(variable, .binary(.numpy)))
    #expect(UpdateEncoding.isLong(variable, .binary(.erlang)))
    _ = variable.encoded(.json)
    #expect(!UpdateEncoding.isLong(variable, .json))
    #expect(UpdateEncoding.isLong(variable, .binary(.pickle)))
    // Its value is written again where it is the old one.
    #expect(variable.valueTextSize(.json) == 80_000)
    let text = try session.register(
      name: "t", type: .string, payload: Payload(.string(String(repeating: "x", count: 1 << 20))),
      writer: Writer(.elixir))
    #expect(UpdateEncoding.isLong(text, .json))
    #expect(text.textSize(.binary(.raw)) == 1 << 17)
  }

  @Test func onlyThoseWhoOthersWaitForHaveNoTime() throws {
    #expect(throws: SearchInterruption.self) {
      try SearchBudget.brief.checkText(SearchBudget.briefText + 1)
    }
    try SearchBudget.brief.checkText(SearchBudget.briefText)
    try SearchBudget().checkText(.max)
    try SearchBudget.long { false }.checkText(.max)
  }
}
