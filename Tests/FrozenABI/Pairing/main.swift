import BridgeSessions
import BridgeTools
import Glibc
import Logging
import Threads

#if NEXT_HOST
  @testable import NextHost
#else
  @testable import BridgePluginHost
#endif

// Loads plugins built from the headers as they were released, and from those of a pretended next version in
// which every struct and table has grown, and runs their tools. This program is built twice: with the host,
// and with the host over the next headers. Two layouts of one struct do not go into one program, so it is
// not a test itself: `FrozenABITests` runs it, and reads what it has found wrong.
//
//     pairing DIRECTORY    where the plugins are

let directory = CommandLine.arguments[1]
nonisolated(unsafe) var faults = 0

/// Notes what is wrong.
func check<Value: Equatable>(
  _ value: @autoclosure () throws -> Value, is expected: Value, line: Int = #line
) {
  do {
    let value = try value()
    if value == expected { return }
    print("line \(line): got \(value), not \(expected)")
  } catch {
    print("line \(line): \(error), not \(expected)")
  }
  faults += 1
}

struct Setting {
  let tools: ToolHost
  let store = SessionStore()
  let session: Session

  init(loading library: String, configuration: String? = nil) throws {
    tools = ToolHost(logger: Logger(label: "pairing") { _ in SwiftLogNoOpLogHandler() })
    _ = try PluginHost(tools: tools)
      .load("\(directory)/\(library)", LoadOptions(configuration: configuration))
    session = try Self.makeSession(store)
  }

  private static func makeSession(_ store: SessionStore) throws -> Session {
    let session = try store.create("s")
    try session.register(
      name: "counter", type: .integer, payload: Payload(.integer(0)), writer: Writer(.elixir))
    return session
  }

  /// Runs a tool: what it answers, as JSON, or its failure.
  func run(_ tool: String, _ arguments: [String: ToolValue] = [:]) throws -> String {
    let outcome = Outcome()
    let admitted = try tools.registry.admit(tool)
    var values: [String: ToolValue] = [:]
    for parameter in admitted.description.parameters {
      values[parameter.name] = arguments[parameter.name] ?? parameter.defaultValue
    }
    _ = try tools.start(
      admitted,
      ToolCall.Request(
        arguments: Arguments(checked: values), deadline: MonotonicClock.now + 60_000_000_000),
      in: session, onEventLoop: false, observer: outcome)
    switch outcome.wait().map(\.owned) {
    case .success(.value(let value, let type)):
      return String(decoding: value.json(as: type), as: UTF8.self)
    case .success(.json(let text, _)): return String(decoding: text, as: UTF8.self)
    case .success(let other): return "\(other)"
    case .failure(let failure): return "failed: \(failure.message)"
    }
  }
}

/// Waits for a call's end.
final class Outcome: ToolCallObserver, Sendable {
  private let condition = Condition()
  private let result = Locked<Result<ToolValue, ToolFailure>?>(nil)

  func emitted(_ chunk: ToolValue) -> Bool { true }

  func progressed(_ fraction: Double, _ message: String) {}

  func finished(_ outcome: ToolOutcome) {
    condition.withLock {
      result.withLock { $0 = outcome.result }
      condition.broadcast()
    }
  }

  func wait() -> Result<ToolValue, ToolFailure> {
    condition.withLock {
      while true {
        if let result = result.withLock({ $0 }) { return result }
        condition.wait()
      }
    }
  }
}

func tour(_ plugin: String, _ library: String) throws {
  let setting = try Setting(loading: library, configuration: #"{"depth":3}"#)
  check(try setting.run("\(plugin)_tour"), is: "\"all well\"")
  // The result and a value were given back.
  check(try setting.run("\(plugin)_released"), is: "2")
  // The state goes with its session.
  _ = setting.store.remove("s")
  let later = try setting.store.create("later")
  _ = later
  let end = MonotonicClock.now + 20_000_000_000
  while try setting.run("\(plugin)_released") != "3", MonotonicClock.now < end { usleep(1000) }
  check(try setting.run("\(plugin)_released"), is: "3")

  let echo = setting.tools.registry.catalog["\(plugin)_echo"]!.description
  check(echo.title, is: "Echo")
  check([echo.streams, echo.isIdempotent, echo.isReadOnly], is: [true, true, true])
  check([echo.isDestructive, echo.isOpenWorld], is: [false, false])
  check(echo.concurrency, is: .limited(4))
  check(echo.parameters.map(\.name), is: ["value", "other", "object"])
  check(echo.parameters[1].defaultValue, is: .value(.float(0.5), .float))
  check(echo.parameters[2].schemaJSON, is: #"{"required":["a"]}"#)
  check(echo.output?.type, is: .value(.string))
  check(echo.output?.constraintsJSON, is: #"{"max_length":3}"#)
}

func swiftOverReleasedHeaders() throws {
  let setting = try Setting(loading: "libReleasedTools.so")
  for sum in ["5", "10"] {
    check(
      try setting.run("frozen_swift_add", ["number": .value(.integer(5), .integer)]), is: sum)
  }
}

func kit(_ prefix: String, _ library: String) throws {
  let setting = try Setting(loading: library)
  check(try setting.run("\(prefix)_batch"), is: "[1.0,2.0,2.5]")
  check(
    try setting.run("\(prefix)_details"),
    is: #"{"value":2,"version":2,"writer":"tool:\#(prefix)_details","#
      + #""constraints":{"min":0},"why":"test","unit":"metre"}"#)
  check(
    try setting.run(
      "\(prefix)_caller",
      [
        "tool": .value(.string("\(prefix)_echo"), .string),
        "text": .value(.string("hi"), .string),
      ]), is: #"{"value":"hi","chunks":3,"from":"caller","binary":3}"#)
  check(
    [try setting.run("\(prefix)_state"), try setting.run("\(prefix)_state")], is: ["1", "2"])
}

func unknownField() throws {
  setenv("BRIDGE_TEST_NEXT_FIELD", "something", 1)
  defer { unsetenv("BRIDGE_TEST_NEXT_FIELD") }
  var refusal = ""
  do {
    _ = try Setting(loading: "libNextToolsC.so")
  } catch {
    refusal = "\(error)"
  }
  #if NEXT_HOST
    check(ABILayout.plugin, is: 136)
    check(refusal, is: "")
  #else
    check(ABILayout.plugin, is: 120)
    check(
      refusal.contains("bridge_plugin uses fields past byte 120, which this host does not know"),
      is: true)
  #endif
}

try tour("frozen_c", "libReleasedToolsC.so")
try tour("next_c", "libNextToolsC.so")
try swiftOverReleasedHeaders()
try kit("sdk", "libSDKTools.so")
try kit("next", "libNextTools.so")
try unknownField()
print(faults == 0 ? "all pairs work" : "\(faults) faults")
exit(faults == 0 ? 0 : 1)
