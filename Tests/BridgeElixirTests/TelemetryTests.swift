import BridgeTools
import Threads
import Testing

@testable import BridgeElixir

@Suite struct TelemetryTests {
  private final class Listener: TelemetryListener {
    let wants: Locked<Bool>
    let records = Locked<[TelemetryRecord]>([])

    init(_ wants: Bool = true) { self.wants = Locked(wants) }

    var isListening: Bool { wants.withLock { $0 } }
    func take(_ record: TelemetryRecord) { records.withLock { $0.append(record) } }
    /// Those of calls: samples come when they come.
    var names: [String] {
      records.withLock { $0.map(\.name.rawValue) }.filter { !$0.hasSuffix(".sampled") }
    }
  }

  private final class CallObserver: ToolCallObserver {
    let finishes = Locked(0)
    func emitted(_ chunk: ToolValue) -> Bool { false }
    func progressed(_ fraction: Double, _ message: String) {}
    func finished(_ outcome: ToolOutcome) { finishes.withLock { $0 += 1 } }
  }

  private let tool = ToolDescription(name: "t", description: "", parameters: [], plugin: "p")

  private func run(
    _ telemetry: Telemetry, depth: Int = 0,
    _ result: Result<ToolValue, ToolFailure> = .success(.bytes([1, 2, 3]))
  ) -> CallObserver {
    let observer = CallObserver()
    var request = ToolCall.Request(
      arguments: Arguments(checked: [:]), metadata: ["correlation_id": "c"], depth: depth)
    let observed = telemetry.began(tool, &request, session: "s", observer: observer)
    #expect(!observed.emitted(.null))
    observed.finished(ToolOutcome(result))
    return observer
  }

  @Test func nobodyListensUntilSomebodyWantsTo() {
    let telemetry = Telemetry()
    #expect(!telemetry.isListening)
    let listener = Listener(false)
    telemetry.changed(listener)
    #expect(!telemetry.isListening)
    listener.wants.withLock { $0 = true }
    telemetry.changed(listener)
    #expect(telemetry.isListening)
    telemetry.remove(listener)
    #expect(!telemetry.isListening)
  }

  @Test func aCallOfAClientIsTwoEvents() throws {
    let telemetry = Telemetry()
    let listener = Listener()
    telemetry.changed(listener)
    #expect(run(telemetry).finishes.withLock { $0 } == 1)
    #expect(
      listener.names == [
        "python.call.start", "tool.execution.start", "tool.result_size", "tool.execution.stop",
        "python.call.stop",
      ])
    let size = try #require(
      listener.records.withLock { $0.first { $0.name == .resultSize } })
    #expect(size.measurements.map(\.value) == [.integer(3)])
    #expect(size.correlationID == "c")
    telemetry.remove(listener)
  }

  @Test func aCallOfAToolIsOne() {
    let telemetry = Telemetry()
    let listener = Listener()
    telemetry.changed(listener)
    _ = run(telemetry, depth: 1)
    #expect(
      listener.names == ["tool.execution.start", "tool.result_size", "tool.execution.stop"])
    telemetry.remove(listener)
  }

  @Test func failures() {
    let telemetry = Telemetry()
    let listener = Listener()
    telemetry.changed(listener)
    _ = run(telemetry, .failure(ToolFailure(code: 3, message: "m", type: "odd")))
    #expect(
      listener.names == [
        "python.call.start", "tool.execution.start", "tool.execution.exception",
        "python.call.exception",
      ])
    _ = run(telemetry, depth: 1, .failure(ToolFailure(code: 13, message: "m", type: "crash")))
    #expect(listener.names.suffix(2) == ["tool.execution.exception", "python.error.occurred"])
    telemetry.remove(listener)
  }

  @Test func theProcessIsMeasured() throws {
    var sampler = ProcessSampler()
    let memory = try #require(sampler.sample().first { $0.name == .memorySampled })
    guard case .integer(let resident) = memory.measurements[0].value,
      case .integer(let size) = memory.measurements[1].value
    else {
      Issue.record("not whole numbers")
      return
    }
    #expect(resident > 1_000_000 && size >= resident)
  }
}
