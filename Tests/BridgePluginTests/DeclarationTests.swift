import BridgePluginABI
import Testing

@testable import BridgePlugin

/// What a plugin says of its tools, as the host reads it.
@Suite struct DeclarationTests {
  private enum Mode: String, CaseIterable, ToolValueConvertible { case fast, exact }

  /// The constraints of a parameter as the host gets them.
  private func constraints(_ parameter: some DeclaredParameter) -> String {
    var arena = Arena()
    defer { arena.free() }
    return String(parameter.describe(in: &arena).constraints)
  }

  @Test func constraintsAreWhatWasAskedFor() {
    #expect(constraints(Parameter<Double>("p", "")) == "")
    #expect(constraints(Parameter<Double>("p", "", range: 0.5...2)) == #"{"min":0.5,"max":2.0}"#)
    #expect(constraints(Parameter<Float?>("p", "", range: 0.5...)) == #"{"min":0.5}"#)
    #expect(constraints(Parameter<Double>("p", "", range: ...0.5)) == #"{"max":0.5}"#)
    #expect(constraints(Parameter<Int>("p", "", range: 1...9)) == #"{"min":1,"max":9}"#)
    #expect(constraints(Parameter<Int>("p", "", range: 1...)) == #"{"min":1}"#)
    #expect(constraints(Parameter<Int64?>("p", "", range: ...9)) == #"{"max":9}"#)
    #expect(constraints(Parameter<String>("p", "", choices: ["a"])) == #"{"choices":["a"]}"#)
    #expect(
      constraints(Parameter<String>("p", "", length: 1...9)) == #"{"min_length":1,"max_length":9}"#)
    #expect(
      constraints(Parameter<String>("p", "", length: 1...9, pattern: "a"))
        == #"{"min_length":1,"max_length":9,"pattern":"a"}"#)
    #expect(constraints(Parameter<String>("p", "", pattern: "a")) == #"{"pattern":"a"}"#)
    #expect(constraints(Parameter<[Double]>("p", "", dimensions: 3)) == #"{"dimensions":3}"#)
    #expect(
      constraints(Parameter<[Float]>("p", "", dimensions: 3, range: 0...1, isNormalized: true))
        == #"{"dimensions":3,"min":0.0,"max":1.0,"normalized":true}"#)
    #expect(
      constraints(Parameter<Tensor>("p", "", shape: [2, nil], elementType: .int8))
        == #"{"shape":[2,null],"dtype":"int8"}"#)
    #expect(constraints(Parameter<Tensor>("p", "", shape: [])) == #"{"shape":[]}"#)
    #expect(constraints(Parameter<Mode?>("p", "")) == #"{"choices":["fast","exact"]}"#)
  }

  @Test func parametersAreDescribed() throws {
    var arena = Arena()
    defer { arena.free() }
    let required = Parameter<Int>("a", "An a.").describe(in: &arena)
    #expect(required.size == UInt32(MemoryLayout<bridge_parameter>.size))
    #expect(String(required.name) == "a" && String(required.description) == "An a.")
    #expect(required.type == ValueType.integer.rawValue && required.default_value == nil)
    #expect(required.flags == UInt32(BRIDGE_PARAMETER_REQUIRED))
    let optional = Parameter<Int?>("a", "").describe(in: &arena)
    #expect(optional.flags == 0 && optional.default_value == nil)
    #expect(Parameter<Int?>("a", "", default: nil).describe(in: &arena).default_value == nil)
    let chosen = Parameter<String>("a", "", default: "x", choices: ["x"]).describe(in: &arena)
    #expect(chosen.type == ValueType.choice.rawValue && chosen.flags == 0)
    #expect(ToolValue(try #require(chosen.default_value)) == .choice("x"))
    let json = Parameter<JSONText>("a", "", kind: .object, schema: "{}").describe(in: &arena)
    #expect(json.type == ValueType.object.rawValue && String(json.schema) == "{}")
    #expect(json.flags == UInt32(BRIDGE_PARAMETER_REQUIRED))
  }

  @Test func examplesGoWithTheConstraintsOrTheSchema() {
    #expect(constraints(Parameter<Int>("p", "").examples(1, 2)) == #"{"examples":[1,2]}"#)
    #expect(
      constraints(Parameter<Int>("p", "", range: 1...9).examples(3))
        == #"{"examples":[3],"min":1,"max":9}"#)
    #expect(
      constraints(Parameter<String>("p", "", choices: ["a", "b"]).examples("b"))
        == #"{"examples":["b"],"choices":["a","b"]}"#)
    #expect(constraints(Parameter<Bytes>("p", "").examples(Bytes([1]))) == "")
    func schema(_ schema: String) -> String {
      var arena = Arena()
      defer { arena.free() }
      let parameter = Parameter<JSONText>("p", "", kind: .object, schema: schema)
        .examples(JSONText(#"{"a":1}"#))
      let described = parameter.describe(in: &arena)
      return String(described.schema) + String(described.constraints)
    }
    #expect(schema("") == #"{"examples":[{"a":1}]}"#)
    #expect(schema(" { } ") == #"{"examples":[{"a":1}] } "#)
    #expect(schema(#"{"type": "object"}"#) == #"{"examples":[{"a":1}],"type": "object"}"#)
    #expect(schema("true") == "true")
  }

  private class Base: Tool, @unchecked Sendable {
    let description = ""
    let first = Parameter<Int>("first", "")
    func run(_ call: ToolCall) -> Int { 0 }
  }
  private final class Derived: Base, @unchecked Sendable {
    let second = Parameter<Int>("second", "")
    let notAParameter = 3
    let third = Parameter<Int>("third", "")
  }

  @Test func parametersOfASuperclassComeFirst() {
    var arena = Arena()
    defer { arena.free() }
    let names = declaredParameters(of: Derived()).map { String($0.describe(in: &arena).name) }
    #expect(names == ["first", "second", "third"])
  }

  @Test(arguments: [
    ("WordCount", "word_count"), ("HTTPGet2", "http_get2"), ("Echo", "echo"), ("URL", "url"),
    ("A", "a"), ("AB", "ab"), ("ABc", "a_bc"), ("aB", "a_b"), ("Word_Count", "word_count"),
    ("Größe", "gre"), ("Tool<Int>", "tool_int"), ("getX", "get_x"), ("X9Y", "x9_y"),
  ]) func typesAreNamedInWords(_ type: String, _ name: String) {
    #expect(snakeCase(type) == name)
  }

  private struct Plain: Tool {
    let description = "Plain."
    func run(_ call: ToolCall) -> Int { 0 }
  }

  private struct Rich: ReadOnlyTool {
    let name = "rich"
    let title = "A title"
    let description = "Rich."
    let traits: ToolTraits = [.destructive, .quick]
    let threading = ToolThreading.serial
    let concurrencyLimit: Int? = 3
    let reads = ["a", "b*"]
    let writes = ["c"]
    let output = ToolOutput.value(
      .float, "What comes.", constraints: JSONText(#"{"min":1}"#, kind: .object))
    let one = Parameter<Int>("one", "")
    func run(_ call: ReadOnlyToolCall) -> Double { 0 }
  }

  /// Every word of the tables is a function that nobody calls.
  private func describe(_ tool: any ToolDeclaration) throws -> bridge_tool {
    func table<Table>(_: Table.Type) -> UnsafePointer<Table> {
      let size = MemoryLayout<Table>.size
      let words = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
      for offset in stride(from: 0, to: size, by: 8) {
        words.storeBytes(of: 0x1000, toByteOffset: offset, as: UInt.self)
      }
      words.storeBytes(of: UInt32(size), as: UInt32.self)
      return UnsafePointer(words.assumingMemoryBound(to: Table.self))
    }
    var host = bridge_host()
    host.size = UInt32(MemoryLayout<bridge_host>.size)
    host.abi_minimum = BRIDGE_ABI_VERSION
    host.abi_maximum = BRIDGE_ABI_VERSION
    host.call = table(bridge_call_api.self)
    host.variables = table(bridge_variables_api.self)
    host.tools = table(bridge_tools_api.self)
    // Never freed, as in a plugin.
    var arena = Arena()
    return try RegisteredTool(tool, host: HostTables(&host)).describe(in: &arena)
  }

  @Test func whatAToolDoesNotSayIsTheDefault() throws {
    let tool = try describe(Plain())
    #expect(tool.size == UInt32(MemoryLayout<bridge_tool>.size))
    #expect(String(tool.name) == "plain" && String(tool.title) == "")
    #expect(String(tool.description) == "Plain." && tool.flags == 0)
    #expect(tool.threading == ToolThreading.parallel.rawValue && tool.concurrency == 0)
    #expect(tool.parameter_count == 0 && tool.read_count == 0 && tool.write_count == 0)
    #expect(tool.run != nil && tool.run_read_only == nil)
    // Of its Swift type.
    #expect(try #require(tool.output).pointee.type == ValueType.integer.rawValue)
  }

  @Test func allThatAToolSaysIsHandedOn() throws {
    let tool = try describe(Rich())
    #expect(String(tool.name) == "rich" && String(tool.title) == "A title")
    #expect(tool.flags == ToolTraits.destructive.rawValue | ToolTraits.quick.rawValue)
    #expect(tool.threading == ToolThreading.serial.rawValue && tool.concurrency == 3)
    #expect(tool.run == nil && tool.run_read_only != nil && tool.context != nil)
    #expect(tool.read_count == 2 && tool.write_count == 1 && tool.parameter_count == 1)
    let reads = UnsafeBufferPointer(start: tool.reads, count: tool.read_count)
    #expect(reads.map { String($0) } == ["a", "b*"])
    #expect(String(try #require(tool.writes)[0]) == "c")
    let parameters = try #require(tool.parameters)
    let parameter = try #require(parameters[0])
    #expect(String(parameter.pointee.name) == "one")
    let output = try #require(tool.output).pointee
    #expect(output.size == UInt32(MemoryLayout<bridge_output>.size))
    #expect(output.type == ValueType.float.rawValue && String(output.description) == "What comes.")
    #expect(String(output.constraints) == #"{"min":1}"# && String(output.schema) == "")
  }

  @Test func aSwiftTypeSaysWhatItCanOfTheResult() {
    #expect(ToolOutput(of: Int.self) == .value(.integer))
    #expect(
      ToolOutput(of: Mode.self)
        == .value(.choice, constraints: .object(["choices": JSONText.array(["fast", "exact"])])))
    for output in [
      ToolOutput(of: Int?.self), ToolOutput(of: JSONText.self), ToolOutput(of: ToolValue.self),
    ] {
      #expect(output == .undeclared && !output.isDeclared)
    }
    #expect(ToolOutput.none.isDeclared)
    #expect(ToolOutput.json(.array, schema: "{}").type == .array)
    #expect(ToolOutput.json(.array, schema: "{}").schema == "{}")
  }

  @Test func errorsKeepAllThatTheyHave() {
    var error = bridge_error()
    error.size = UInt32(MemoryLayout<bridge_error>.size)
    error.code = 14
    #expect(ToolError(error) == ToolError(.unavailable, ""))
    error.flags = UInt32(BRIDGE_ERROR_RETRYABLE)
    let copied = "{}".withView { details in
      "closed".withView { text in
        error.message = text
        error.type = text
        error.details = details
        return ToolError(error)
      }
    }
    #expect(
      copied
        == ToolError(
          .unavailable, "closed", type: "closed", retryable: true,
          details: JSONText("{}", kind: .object)))
    #expect("\(copied)" == "closed")
    struct Odd: Error {}
    #expect(ToolError(Odd() as any Error) == ToolError(.unknown, "Odd()", type: "Odd"))
    #expect(ToolError(copied as any Error) == copied)
  }

  @Test func onlyFailuresAreReturnedAsCodes() {
    for code in Int32(1)...16 { #expect(ToolError.Code(rawValue: code).status == code) }
    for code: Int32 in [0, 17, -1, 100] {
      #expect(ToolError.Code(rawValue: code).status == ToolError.Code.unknown.rawValue)
    }
  }

  @Test func numbersAreThoseOfTheABI() {
    let traits: [(ToolTraits, UInt32)] = [
      (.streams, UInt32(BRIDGE_TOOL_STREAMS)), (.destructive, UInt32(BRIDGE_TOOL_DESTRUCTIVE)),
      (.idempotent, UInt32(BRIDGE_TOOL_IDEMPOTENT)), (.openWorld, UInt32(BRIDGE_TOOL_OPEN_WORLD)),
      (.atomic, UInt32(BRIDGE_TOOL_ATOMIC)), (.quick, UInt32(BRIDGE_TOOL_QUICK)),
    ]
    for (trait, flag) in traits { #expect(trait.rawValue == flag) }
    #expect(ToolThreading.serial.rawValue == UInt32(BRIDGE_SERIAL))
    #expect(ToolThreading.parallel.rawValue == UInt32(BRIDGE_PARALLEL))
    let codes: [(ToolError.Code, Int)] = [
      (.cancelled, Int(BRIDGE_CANCELLED)), (.unknown, Int(BRIDGE_UNKNOWN)),
      (.invalidArgument, Int(BRIDGE_INVALID_ARGUMENT)),
      (.deadlineExceeded, Int(BRIDGE_DEADLINE_EXCEEDED)), (.notFound, Int(BRIDGE_NOT_FOUND)),
      (.alreadyExists, Int(BRIDGE_ALREADY_EXISTS)),
      (.permissionDenied, Int(BRIDGE_PERMISSION_DENIED)),
      (.resourceExhausted, Int(BRIDGE_RESOURCE_EXHAUSTED)),
      (.failedPrecondition, Int(BRIDGE_FAILED_PRECONDITION)), (.aborted, Int(BRIDGE_ABORTED)),
      (.outOfRange, Int(BRIDGE_OUT_OF_RANGE)), (.unimplemented, Int(BRIDGE_UNIMPLEMENTED)),
      (.internalError, Int(BRIDGE_INTERNAL)), (.unavailable, Int(BRIDGE_UNAVAILABLE)),
      (.dataLoss, Int(BRIDGE_DATA_LOSS)), (.unauthenticated, Int(BRIDGE_UNAUTHENTICATED)),
    ]
    for (code, number) in codes { #expect(Int(code.rawValue) == number) }
  }
}
