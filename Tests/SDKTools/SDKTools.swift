#if NEXT_SDK
  public import NextSDK
  private let prefix = "next_"
#else
  public import BridgePlugin
  private let prefix = "sdk_"
#endif
internal import Synchronization

/// A plugin for tests: tools that use every part of the SDK. It is also built with the SDK over the headers of a
/// pretended next version.
@c(bridge_plugin_entry)
public func enter(_ host: PluginHost.Pointer, _ plugin: PluginHost.Answer) -> PluginHost.Status {
  Plugin(
    name: prefix + "tools", version: "2.1", description: "Tools that test the SDK.",
    configurationSchema: #"{"properties": {"refuse": {"type": "string"}}}"#,
    tools: [
      Echo(), Fail(), Configuration(), Large(), Details(), Batch(), State(), Caller(),
      AsyncCaller(),
      Shaped(), Misshapen(), Cancelled(), Told(), Measured(), Transfer(), WaitFor(), Chosen(),
    ],
    onStart: { context in
      context.log(.info, "started by \(context.hostName)")
      if let start = context.configuration.text.firstRange(of: "because ") {
        throw ToolError(
          .failedPrecondition,
          String(context.configuration.text[start.upperBound...].prefix { $0 != "\"" }))
      }
      started.withLock { $0 = context.configuration.text }
    },
    onStop: { started.withLock { $0 = nil } }
  ).enter(host, plugin)
}

private let started = Mutex<String?>(nil)

private protocol Named: ToolDeclaration {}
extension Named {
  var name: String { prefix + snakeName }
  private var snakeName: String {
    var text = ""
    for letter in String(describing: Self.self) {
      if letter.isUppercase && !text.isEmpty { text += "_" }
      text += letter.lowercased()
    }
    return text
  }
}

private struct Echo: Tool, Named {
  let title = "Echo"
  let description = "Streams 0 to 2, and answers the text."
  let traits: ToolTraits = [.streams, .idempotent, .openWorld]
  let concurrencyLimit: Int? = 3
  let text = Parameter<String>("text", "What to answer.")

  func run(_ call: ToolCall) throws -> String {
    // Where nobody streams, emitting fails.
    for number in 0..<3 where (try? call.tryEmit(number)) == false {
      try call.emit(number)
    }
    try call.annotate("from", call.metadata("from") ?? "")
    try call.setBinaryResult([1, 2, 3])
    return call[text]
  }
}

private struct Fail: ReadOnlyTool, Named {
  let description = "Fails with all that an error can have."

  func run(_ call: ReadOnlyToolCall) throws {
    throw ToolError(
      .unavailable, "closed", type: "closed_error", retryable: true, details: .object(["a": 1]))
  }
}

private struct Configuration: ReadOnlyTool, Named {
  let description = "Answers the configuration that the plugin was started with."
  let traits: ToolTraits = .quick
  let output = ToolOutput.json(.object, "The configuration.", schema: #"{"type": "object"}"#)

  func run(_ call: ReadOnlyToolCall) throws -> JSONText {
    JSONText(started.withLock { $0 } ?? "null", kind: .object)
  }
}

/// The numbers from 0 up: as a vector, a tensor or bytes.
private struct Large: ReadOnlyTool, Named {
  enum Form: String, CaseIterable, ToolValueConvertible { case vector, tensor, bytes }

  let description = "Answers many numbers."
  let form = Parameter<Form>("form", "As what.")
  let count = Parameter<Int>("count", "How many.")

  func run(_ call: ReadOnlyToolCall) throws -> ToolValue {
    let count = call[count]
    switch call[form] {
    case .vector: return (0..<count).map(Double.init).toolValue
    case .tensor:
      return .tensor(Tensor(shape: [count / 2, 2], elements: .int64((0..<count).map(Int64.init)))!)
    case .bytes: return .bytes(Bytes((0..<count).map { UInt8($0 & 255) }))
    }
  }
}

private struct Details: Tool, Named {
  let description = "Writes a variable of its own, and answers what is known of it."

  func run(_ call: ToolCall) throws -> JSONText {
    let name = prefix + "variable"
    try call.variables.create(
      name, 1, constraints: .object(["min": 0]), metadata: ["unit": "metre"])
    try call.variables.set(name, 2, expecting: 1, metadata: ["why": "test"])
    let variable = try call.variables.variable(name, as: Int.self, details: true)
    let listed = try call.variables.list(name, details: true)
    let waiter = Mutex<Int64>(0)
    let handle = try call.variables.watch(name, details: true) { change in
      if let writer = change.variable?.details?.writer, writer.hasPrefix("tool:") {
        waiter.withLock { $0 = change.time }
      }
    }
    while waiter.withLock({ $0 }) == 0 { try call.sleep(for: .milliseconds(1)) }
    handle.cancel()
    guard let details = variable.details, details.writtenAt > 0, listed.count == 1,
      listed[0].details == details,
      try call.variables.variable(name, as: Int.self).details == nil
    else { throw ToolError(.internalError, "the details are not as they should be") }
    return .object([
      "value": variable.value, "version": Int(variable.version), "writer": details.writer,
      "constraints": details.constraints ?? JSONText("null"),
      "why": details.metadata["why"], "unit": details.metadata["unit"],
    ])
  }
}

private struct Batch: Tool, Named {
  let description = "Writes in batches that hold others to their versions."

  func run(_ call: ToolCall) throws -> [Double] {
    let name = prefix + "batch"
    try call.variables.create(name, 1.5)
    let versions = try call.variables.setAll([
      .check("counter", version: 1), VariableWrite(name, 2.5, expecting: 1, metadata: ["a": "b"]),
    ])
    do throws(ToolError) {
      try call.variables.setAll([.check("counter", version: 9), VariableWrite(name, 3.5)])
      throw ToolError(.internalError, "the batch should have been refused")
    } catch {
      guard error.code == .aborted, error.isRetryable else { throw error }
    }
    return versions.map(Double.init) + [try call.variables.get(name)]
  }
}

private struct State: ReadOnlyTool, Named {
  private final class Count: Sendable { let number = Atomic<Int>(0) }

  let description = "Counts its calls in the session."

  func run(_ call: ReadOnlyToolCall) throws -> Int {
    try call.sessionState { Count() }.number.add(1, ordering: .relaxed).newValue
  }
}

private struct Caller: Tool, Named {
  let description = "Calls a tool."
  let tool = Parameter<String>("tool", "Which.")
  let text = Parameter<String?>("text", "What is handed on.")

  func run(_ call: ToolCall) throws -> JSONText {
    let chunks = Mutex<[Int]>([])
    let reply =
      if let text = call[text] {
        try call.tools.call(call[tool], ["text": text], metadata: ["from": "caller"]) { chunk in
          if let number = Int(toolValue: chunk) { chunks.withLock { $0.append(number) } }
        }
      } else {
        try call.tools.call(call[tool])
      }
    return .object([
      "value": reply.value, "chunks": chunks.withLock { $0.count },
      "from": reply.metadata["from"], "binary": reply.binary.bytes.count,
    ])
  }
}

private struct AsyncCaller: AsyncTool, Named {
  let description = "Calls a tool, waiting without a thread."
  let tool = Parameter<String>("tool", "Which.")
  let timeout = Parameter<Double?>("timeout", "Seconds.")

  func run(_ call: ToolCall) async throws -> String {
    try await call.tools.call(
      call[tool], ["text": "later"], timeout: call[timeout].map { .seconds($0) }
    ).value()
  }
}

private struct Shaped: ReadOnlyTool, Named {
  let description = "Takes an object of a shape."
  let object = Parameter<JSONText>(
    "object", "Of this shape.", kind: .object,
    schema: #"{"required": ["a"], "properties": {"a": {"type": "integer", "maximum": 9}}}"#)

  func run(_ call: ReadOnlyToolCall) -> JSONText { call[object] }
}

private struct Misshapen: ReadOnlyTool, Named {
  let description = "Answers something else than it declares."
  let output = ToolOutput.json(.object, schema: #"{"required": ["a"]}"#)

  func run(_ call: ReadOnlyToolCall) -> JSONText { .object(["b": 1]) }
}

private struct Cancelled: AsyncTool, Named {
  let description = "Waits to be cancelled."

  func run(_ call: ToolCall) async throws {
    try call.progress(0)
    try await call.sleep(for: .seconds(600))
  }
}

private struct Told: Tool, Named {
  let description = "Answers the time it has."

  func run(_ call: ToolCall) throws -> Bool {
    call.log(.warning, "told")
    return call.remainingTime != nil
  }
}

/// Numbers that no other type of them holds exactly.
private struct Measured: ReadOnlyTool, Named {
  let description = "Answers a tensor of 64 bits."

  func run(_ call: ReadOnlyToolCall) -> Tensor {
    Tensor(elements: .uint64([.max, 1 << 53 + 1]))
  }
}

private struct Transfer: Tool, Named {
  let description = "Takes from one variable what it adds to another."
  let traits: ToolTraits = .atomic
  let amount = Parameter<Int>("amount", "How much.")
  let fails = Parameter<Bool>("fails", "Whether it fails when it has written.", default: false)

  func run(_ call: ToolCall) throws -> [Double] {
    let source = try call.variables.update("counter", as: Int.self) { $0 -= call[amount] }
    let target = try call.variables.update("target", as: Int.self) { $0 += call[amount] }
    // What it wrote is what it reads.
    guard try call.variables.get("counter") == source, try call.variables.get("target") == target
    else { throw ToolError(.internalError, "it does not read what it wrote") }
    if call[fails] { throw ToolError(.dataLoss, "not today") }
    return [Double(source), Double(target)]
  }
}

private struct WaitFor: ReadOnlyTool, Named {
  let description = "Waits until a whole number is large enough, and answers it."
  let variable = Parameter<String>("variable", "Which.")
  let least = Parameter<Int>("least", "What it waits for.")

  func run(_ call: ReadOnlyToolCall) throws -> Int {
    try call.progress(0)
    let least = call[least]
    return try call.variables.waitFor(call[variable], as: Int.self) { $0 >= least }
  }
}

private struct Chosen: Tool, Named {
  enum Mode: String, CaseIterable, ToolValueConvertible { case fast, exact }

  let description = "Creates variables, and answers their types and constraints."

  func run(_ call: ToolCall) throws -> JSONText {
    func created(_ name: String) throws -> JSONText {
      let variable = try call.variables.variable(name, as: ToolValue.self, details: true)
      return .object([
        "type": "\(variable.type)",
        "constraints": variable.details?.constraints ?? JSONText("null"),
      ])
    }
    let names = ["mode", "fast_mode", "text"].map { prefix + $0 }
    try call.variables.create(names[0], Mode.exact)
    try call.variables.create(
      names[1], Mode.fast, constraints: .object(["choices": JSONText.array(["fast"])]))
    try call.variables.create(names[2], "a")
    return .array(try names.map(created))
  }
}
