internal import BridgeSessions
internal import BridgeTools
internal import JSON
internal import Threads

/// Serves the test libraries of other languages: requests and answers are JSON texts.
///
/// Thread-safe: a request that waits for a call keeps no other one waiting.
package final class TestHostRequests: Sendable {
  /// What requests are made of.
  package let host: TestHost
  private let calls = Locked(Calls())

  private struct Calls {
    var last: Int64 = 0
    var running: [Int64: (call: RunningCall, withTrace: Bool)] = [:]
  }

  /// - Parameter host: Nobody else has to use it, but may.
  package init(_ host: TestHost) { self.host = host }

  /// Answers a request.
  ///
  /// The member "do" is one of: load, unload, tools, define, set, remove, get, variables, call, start, poll,
  /// wait, cancel, advance, wait_for_sleepers, stub, log, violations, end_session. The answer is an object
  /// whose member "ok" is true; else there is a member "error" with "kind" and "message". Of a call, "ok"
  /// says whether the tool succeeded, and "error" has a "status".
  package func answer(_ request: String) -> String {
    do throws(TestHostError) {
      let request = try TestRequest(request)
      let what = try request.text("do")
      guard let function = Self.functions[what] else {
        throw TestHostError(.request, "nothing is known to do by the name \"\(what)\"")
      }
      return try function(self)(request).text
    } catch {
      return Self.refusal(error)
    }
  }

  /// The answer that tells of an error.
  package static func refusal(_ error: TestHostError) -> String {
    JSON.object([
      .init(key: "ok", value: .boolean(false)),
      .init(
        key: "error",
        value: .object([
          .init(key: "kind", value: .string(error.kind.rawValue)),
          .init(key: "message", value: .string(error.description)),
        ])),
    ]).text
  }

  private typealias Function =
    @Sendable (TestHostRequests) -> (TestRequest) throws(TestHostError) ->
    JSON

  private static let functions: [String: Function] = [
    "load": { $0.load }, "unload": { $0.unload }, "tools": { $0.tools }, "define": { $0.define },
    "set": { $0.set }, "remove": { $0.remove }, "get": { $0.get }, "variables": { $0.variables },
    "call": { $0.call }, "start": { $0.start }, "poll": { $0.poll }, "wait": { $0.wait },
    "cancel": { $0.cancel }, "advance": { $0.advance },
    "wait_for_sleepers": { $0.waitForSleepers }, "stub": { $0.stub }, "log": { $0.log },
    "violations": { $0.violations }, "end_session": { $0.endSession },
  ]

  private static func success(_ members: JSON.Member...) -> JSON {
    .object([.init(key: "ok", value: .boolean(true))] + members)
  }

  // MARK: Plugins

  private func load(_ request: TestRequest) throws(TestHostError) -> JSON {
    let names = try host.load(
      try request.text("path"), configuration: request["configuration"]?.text)
    return Self.success(.init(key: "tools", value: .array(names.map { .string($0) })))
  }

  private func unload(_ request: TestRequest) throws(TestHostError) -> JSON {
    let was = host.unload(try request.text("path"))
    return Self.success(.init(key: "was_loaded", value: .boolean(was)))
  }

  private func tools(_ request: TestRequest) throws(TestHostError) -> JSON {
    Self.success(.init(key: "tools", value: .array(host.toolDescriptions.map(\.mcpTool))))
  }

  private func stub(_ request: TestRequest) throws(TestHostError) -> JSON {
    let name = try request.text("name")
    if let error = request["error"] {
      let failure = try ToolFailure(TestRequest(error))
      try host.stub(name) { _ in throw failure }
    } else {
      let result = TestValue.json((request["result"] ?? .null).text)
      try host.stub(name) { _ in result }
    }
    return Self.success()
  }

  // MARK: Variables

  private func session(_ request: TestRequest) throws(TestHostError) -> TestSession {
    guard let id = try request.optionalText("session") else { return host.session }
    return try host.session(id)
  }

  private func value(_ request: TestRequest) throws(TestHostError) -> TestValue {
    guard let value = request["value"] else {
      throw TestHostError(.request, "the request has no \"value\"")
    }
    return .json(value.text)
  }

  private func define(_ request: TestRequest) throws(TestHostError) -> JSON {
    let name = try request.text("type")
    guard let type = ValueType(rawValue: name) else {
      throw TestHostError(.request, "variables have no type \"\(name)\"")
    }
    try session(request).define(
      try request.text("name"), try value(request), type: type,
      constraints: request["constraints"]?.text ?? "")
    return Self.success()
  }

  private func set(_ request: TestRequest) throws(TestHostError) -> JSON {
    try session(request).set(try request.text("name"), try value(request))
    return Self.success()
  }

  private func remove(_ request: TestRequest) throws(TestHostError) -> JSON {
    try session(request).remove(try request.text("name"))
    return Self.success()
  }

  private func get(_ request: TestRequest) throws(TestHostError) -> JSON {
    let variable = try session(request).variable(try request.text("name"))
    return Self.success(.init(key: "variable", value: variable.json))
  }

  private func variables(_ request: TestRequest) throws(TestHostError) -> JSON {
    let session = try session(request)
    return Self.success(
      .init(key: "variables", value: .array(session.variables.map(\.json))),
      .init(key: "watches", value: .integer(Int64(session.watches))))
  }

  private func endSession(_ request: TestRequest) throws(TestHostError) -> JSON {
    host.end(try session(request))
    return Self.success()
  }

  // MARK: Calls

  private func begin(_ request: TestRequest) throws(TestHostError) -> RunningCall {
    var arguments: [String: TestValue] = [:]
    for member in try request.object("arguments") {
      arguments[member.key] = .json(member.value.text)
    }
    return try host.start(
      try request.text("tool"), arguments, in: try session(request),
      options: try CallOptions(request))
  }

  private func call(_ request: TestRequest) throws(TestHostError) -> JSON {
    let withTrace = try request.flag("trace") ?? true
    return try begin(request).wait().json(withTrace: withTrace)
  }

  private func start(_ request: TestRequest) throws(TestHostError) -> JSON {
    let withTrace = try request.flag("trace") ?? true
    let call = try begin(request)
    let number = calls.withLock { calls in
      calls.last += 1
      calls.running[calls.last] = (call, withTrace)
      return calls.last
    }
    return Self.success(.init(key: "call", value: .integer(number)))
  }

  private func running(_ request: TestRequest) throws(TestHostError) -> (
    number: Int64, call: RunningCall, withTrace: Bool
  ) {
    guard let number = try request.integer("call"),
      let known = calls.withLock({ $0.running[number] })
    else { throw TestHostError(.request, "there is no such call, or it was waited for") }
    return (number, known.call, known.withTrace)
  }

  private func poll(_ request: TestRequest) throws(TestHostError) -> JSON {
    let call = try running(request).call
    return Self.success(
      .init(key: "has_ended", value: .boolean(call.hasEnded)),
      .init(key: "chunks", value: .array(call.chunks.map(\.testJSON))))
  }

  private func wait(_ request: TestRequest) throws(TestHostError) -> JSON {
    let running = try running(request)
    let record = try running.call.wait()
    calls.withLock { $0.running[running.number] = nil }
    return record.json(withTrace: running.withTrace)
  }

  private func cancel(_ request: TestRequest) throws(TestHostError) -> JSON {
    try running(request).call.cancel()
    return Self.success()
  }

  // MARK: Time and the log

  private var clock: TestClock {
    get throws(TestHostError) {
      guard let clock = host.clock else {
        throw TestHostError(
          .request, "the host has the real clock; make it with \"clock\": \"manual\"")
      }
      return clock
    }
  }

  private func advance(_ request: TestRequest) throws(TestHostError) -> JSON {
    guard let nanoseconds = try request.integer("nanoseconds"), nanoseconds >= 0 else {
      throw TestHostError(.request, "\"nanoseconds\" is to be there, and not less than 0")
    }
    let clock = try clock
    clock.advance(nanoseconds: nanoseconds)
    return Self.success(.init(key: "now", value: .integer(clock.now)))
  }

  private func waitForSleepers(_ request: TestRequest) throws(TestHostError) -> JSON {
    try clock.waitForSleepers(Int(try request.integer("count") ?? 1))
    return Self.success()
  }

  private func log(_ request: TestRequest) throws(TestHostError) -> JSON {
    Self.success(.init(key: "lines", value: .array(host.log.map { .string($0) })))
  }

  private func violations(_ request: TestRequest) throws(TestHostError) -> JSON {
    Self.success(
      .init(key: "violations", value: .array(host.takeViolations().map(\.json))))
  }
}

extension ToolFailure {
  /// - Parameter request: With the members "status", "message", "type" and "retryable", all of which may be left
  ///   out.
  fileprivate init(_ request: TestRequest) throws(TestHostError) {
    let name = try request.optionalText("status") ?? "UNKNOWN"
    guard let code = StatusName.number(name), (1...16).contains(code) else {
      throw TestHostError(.request, "\"\(name)\" is no status of a tool's failure")
    }
    self.init(
      code: code, message: try request.optionalText("message") ?? "a stub fails",
      type: try request.optionalText("type") ?? "stub",
      isRetryable: try request.flag("retryable") ?? false)
  }
}
