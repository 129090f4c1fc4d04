import BridgeSessions
import BridgeTools
import Testing

@testable import BridgePluginHost

/// What goes into a native function and what comes out of it.
@Suite struct NativeToolTests {
  private let fixture: Fixture
  private let host = TestHost()
  private let session: Session

  private static let tools = """
    {"name": "mixed", "symbol": "mixed", "returns": {"type": "double"}, "parameters": [
      {"name": "first", "type": "int8"}, {"name": "numbers", "type": "double[]"},
      {"name": "count", "type": "size_t", "length_of": "numbers"}, {"name": "flag", "type": "bool"},
      {"name": "half", "type": "float"}, {"name": "text", "type": "string"}]},
    {"name": "spread", "symbol": "spread", "returns": {"type": "int32"}, "parameters": [
      {"name": "left", "type": "int32[]", "direction": "inout"}, {"name": "read", "type": "int32[]"},
      {"name": "right", "type": "int16[]", "direction": "inout"},
      {"name": "count", "type": "uint8", "length_of": "left"},
      {"name": "unused", "type": "uint8", "length_of": "read"},
      {"name": "unused2", "type": "uint8", "length_of": "right"}]},
    {"name": "fill", "symbol": "fill", "parameters": [
      {"name": "flags", "type": "bool[]", "direction": "inout"},
      {"name": "count", "type": "size_t", "length_of": "flags"}]},
    {"name": "double_all", "symbol": "double_all", "parameters": [
      {"name": "numbers", "type": "double[]", "direction": "inout"},
      {"name": "count", "type": "size_t", "length_of": "numbers"}]},
    {"name": "nothing", "symbol": "nothing", "returns": {"type": "void"}},
    {"name": "how_often", "symbol": "how_often", "returns": {"type": "int32"}},
    {"name": "no_text", "symbol": "no_text", "returns": {"type": "string"}},
    {"name": "latin_text", "symbol": "latin_text", "returns": {"type": "string"}}
    """

  init() throws {
    fixture = try Fixture("shapes.c", as: "shapes")
    fixture.write(
      "s.native.json",
      #"{"plugin":"shapes","library":"./shapes.so","trusted":true,"tools":["# + Self.tools + "]}")
    _ = try host.plugins.load("\(fixture.directory)/s.native.json")
    session = try Plugins.makeSession()
  }

  private func failure(_ tool: String, _ arguments: [String: String] = [:]) throws -> ToolFailure? {
    if case .failure(let failure) = try host.run(tool, arguments, session: session).result {
      failure
    } else {
      nil
    }
  }

  @Test func everyArgumentArrivesInItsPlace() throws {
    let arguments = [
      "first": "-3", "numbers": "[1.5,2]", "flag": "true", "half": "0.5", "text": #""abc""#,
    ]
    #expect(try host.result("mixed", arguments, session: session) == "104.0")
    var others = arguments
    others["flag"] = "false"
    others["numbers"] = "[]"
    others["text"] = #""""#
    #expect(try host.result("mixed", others, session: session) == "-2.5")
    others["text"] = #""a\u0000""#
    let refused = try #require(try failure("mixed", others))
    #expect(refused.code == 3 && refused.message.contains("parameter text has a NUL in it"))
    others["text"] = #""a""#
    others["half"] = "16777217"
    let inexact = try #require(try failure("mixed", others))
    #expect(inexact.code == 3 && inexact.message.contains("parameter half: 16777217.0 is no float"))
    // The lengths of arrays are nobody's to say.
    #expect(throws: ToolsError.self) {
      try host.run("mixed", arguments.merging(["count": "9"]) { $1 }, session: session)
    }
  }

  @Test func severalArraysAndAResultAreAnObject() throws {
    let object = try host.result(
      "spread", ["left": "[1,2]", "read": "[10,20]", "right": "[0,0]"], session: session)
    #expect(object == #"{"left":[-1,-1],"right":[11,22],"return":2}"#)
    #expect(
      try host.result("double_all", ["numbers": "[1,-0.5]"], session: session) == "[2.0,-1.0]")
    #expect(try host.result("double_all", ["numbers": "[]"], session: session) == "[]")
  }

  /// What is declared `in` is a copy, whatever the function does.
  @Test func onlyWhatIsDeclaredIsWritten() throws {
    let given = NumericArray(
      shape: [1], elementType: .int32, bytes: [5, 0, 0, 0])
    let recorder = Recorder()
    _ = try host.tools.start(
      try host.tools.registry.admit("spread"),
      ToolCall.Request(
        arguments: Arguments(
          checked: [
            "left": .value(.array(given), .embedding), "read": .value(.array(given), .embedding),
            "right": .value(.array(given), .embedding),
          ])), in: session, onEventLoop: false, observer: recorder)
    guard case .success(.json(let text, .object)) = recorder.wait().result else {
      Issue.record("no object")
      return
    }
    #expect(String(decoding: text, as: UTF8.self) == #"{"left":[-1],"right":[10],"return":1}"#)
    #expect(given.bytes == [5, 0, 0, 0])
  }

  @Test func aLengthFitsItsType() throws {
    let numbers = "[" + (0..<255).map { _ in "0" }.joined(separator: ",")
    let fitting = ["left": numbers + "]", "read": numbers + "]", "right": numbers + "]"]
    #expect(try failure("spread", fitting) == nil)
    let longer = fitting.mapValues { String($0.dropLast()) + ",0]" }
    let refused = try #require(try failure("spread", longer))
    #expect(
      refused.code == 3
        && refused.message.contains("left has 256 elements, more than count can say"))
  }

  @Test func booleansAreZeroOrOne() throws {
    #expect(try host.result("fill", ["flags": "[0,0]"], session: session) == "[0,1]")
    let odd = try #require(try failure("fill", ["flags": "[0,0,0]"]))
    #expect(odd.code == 15 && odd.type == "invalid_result")
    #expect(odd.message == "fill wrote 2 into flags, an array of booleans")
    #expect(try failure("fill", ["flags": "[2]"])?.code == 3)
  }

  @Test func resultsMayBeNothing() throws {
    #expect(try host.run("nothing", session: session).result.get() == .null)
    #expect(try host.run("nothing", session: session).result.get() == .null)
    #expect(try host.result("how_often", session: session) == "2")
    #expect(try host.run("no_text", session: session).result.get() == .null)
    let latin = try #require(try failure("latin_text"))
    #expect(latin.code == 15 && latin.message == "latin_text answered a string that is not UTF-8")
  }

  @Test func dataIsNoFunction() throws {
    fixture.write(
      "d.native.json",
      #"{"plugin":"d","library":"./shapes.so","trusted":true,"tools":[{"name":"d","symbol":"no_function"}]}"#
    )
    let error = #expect(throws: PluginError.self) {
      try TestHost().plugins.load("\(fixture.directory)/d.native.json")
    }
    #expect(error?.description.contains("is no function but data") == true)
  }
}
