import BridgeSessions
import BridgeTools
import Glibc
import Synchronization
import Testing

@testable import BridgePluginHost

/// Native functions of every kind that a manifest can describe, and what they make and leave.
@Suite(.timeLimit(.minutes(2))) struct NativeKindsTests {
  private let fixture: Fixture
  private let host = TestHost()
  private let session: Session

  init() throws {
    fixture = try Fixture("native.c", as: "native")
    fixture.write("n.native.json", Fixture.text("native.native.json"))
    _ = try host.plugins.load("\(fixture.directory)/n.native.json")
    session = try Plugins.makeSession()
  }

  private func result(_ tool: String, _ arguments: [String: String] = [:]) throws -> String {
    try host.result(tool, arguments, session: session)
  }

  private func value(_ tool: String, _ arguments: [String: String] = [:]) throws -> ToolValue {
    try host.run(tool, arguments, session: session).result.get()
  }

  private func failure(_ tool: String, _ arguments: [String: String] = [:]) throws -> ToolFailure {
    try #require(throws: ToolFailure.self) { try value(tool, arguments) }
  }

  // MARK: Structs

  @Test func structsGoByValueBothWays() throws {
    #expect(
      try result("middle", ["a": #"{"x":1,"y":-2}"#, "b": #"{"y":4.5,"x":3}"#])
        == #"{"x":2.0,"y":1.25}"#)
  }

  private static let shape =
    #"{"kind":-128,"corners":[{"x":0,"y":0},{"x":2,"y":3}],"weights":[0,1,65534],"is_filled":true,"id":41}"#

  @Test func structsGoByPointer() throws {
    #expect(
      try result("grow", ["shape": Self.shape])
        == #"{"kind":127,"corners":[{"x":0.0,"y":0.0},{"x":4.0,"y":6.0}],"weights":[1,2,65535],"is_filled":false,"#
        + #""id":42}"#)
    #expect(try result("area", ["shape": Self.shape]) == "6.0")
    #expect(try result("area") == "-1.0")
    #expect(try result("unit") == #"{"x":1.0,"y":1.0}"#)
    #expect(try result("origin") == #"{"x":0.0,"y":-0.5}"#)
  }

  @Test func whatIsNoStructIsRefused() throws {
    for (text, words) in [
      (#"{"x":1}"#, "y"), (#"{"x":1,"y":2,"z":3}"#, "z"), (#"{"x":"1","y":2}"#, "x"),
      ("[1,2]", "object"),
    ] {
      let error = try #require(throws: ToolsError.self) {
        try value("middle", ["a": text, "b": #"{"x":0,"y":0}"#])
      }
      #expect(error.message.contains(words), "\(error.message)")
    }
    // Numbers that the field's type does not hold.
    for wrong in [#""kind":128"#, #""weights":[0,1,65536]"#, #""weights":[0,1]"#, #""id":-1"#] {
      let key = wrong.prefix { $0 != ":" }
      let text = Self.shape.replacing(/"(kind|id)":-?\d+|"weights":\[[^\]]*\]/) { match in
        match.output.0.hasPrefix(key) ? wrong : String(match.output.0)
      }
      #expect(throws: ToolsError.self, "\(text)") { try value("area", ["shape": text]) }
    }
  }

  // MARK: Out parameters, and memory that functions make

  @Test func whatFunctionsWriteIsTheResult() throws {
    #expect(
      try result("divide", ["number": "-7", "by": "2"]) == #"{"quotient":-3,"remainder":-1}"#)
    #expect(try result("add_to", ["total": "250", "number": "5"]) == "255")
  }

  @Test func whatFunctionsMakeIsFreed() throws {
    #expect(try result("twice", ["text": #""ab""#]) == #""abab""#)
    #expect(try value("twice") == .null)
    #expect(
      try result("halves", ["text": #""abcde""#]) == #"{"first":"ab","second":"cde","return":2}"#)
    #expect(
      try result("first_squares", ["count": "4"]) == #"{"length":4,"return":[0.0,1.0,4.0,9.0]}"#)
    #expect(try result("evens", ["below": "7"]) == "[0,2,4,6]")
    #expect(try result("evens", ["below": "0"]) == "[]")
    #expect(try result("unfreed") == "0")
  }

  @Test func bytesHaveTheRoomThatTheManifestSays() throws {
    let text = #""abcd""#
    #expect(try value("reverse", ["from": text]) == .bytes(Array(#""dcba""#.utf8)))
    #expect(try value("reverse", ["from": ""]) == .bytes([]))
    #expect(try value("reverse_into_four", ["from": "1234"]) == .bytes(Array("4321".utf8)))
    let failure = try failure("reverse_into_four", ["from": "12345"])
    #expect(failure.message == "reverse failed: there is too little room: it returned -5")
    let lie = try self.failure("lie")
    #expect(
      lie.code == 15
        && lie.message.contains("has room for 4 elements in to, and says that it wrote 5"))
  }

  @Test func errnoIsTold() throws {
    #expect(try result("fail_with", ["number": "0"]) == "7")
    let missing = try failure("fail_with", ["number": "\(ENOENT)"])
    #expect(missing.code == 5)
    #expect(missing.message == "fail_with failed: No such file or directory: it returned -1")
    #expect(try result("nothing_with", ["number": "0"]) == #""a text""#)
    #expect(try failure("nothing_with", ["number": "\(EACCES)"]).code == 7)
  }

  // MARK: Arrays

  @Test func tensorsHaveTheirDimensions() throws {
    guard
      case .value(.array(let sums), .embedding) = try value(
        "row_sums", ["table": #"{"shape":[2,3],"data":[1,2,3,4,5,6]}"#])
    else {
      Issue.record("should be numbers")
      return
    }
    #expect(Array(sums.doubles.prefix(2)) == [6, 15])
    #expect(throws: ToolFailure.self) {
      try value("row_sums", ["table": #"{"shape":[3],"data":[1,2,3]}"#])
    }
    guard
      case .value(.array(let turned), .tensor) = try value(
        "transpose", ["table": #"{"shape":[2,2],"data":[1,2,3,4]}"#])
    else {
      Issue.record("should be a tensor")
      return
    }
    #expect(
      turned.shape == [2, 2] && turned.doubles == [1, 3, 2, 4] && turned.elementType == .float32)
  }

  @Test func anArrayOfTheSameTypeIsNotCopied() throws {
    let array = NumericArray([1, 2, 3])
    try session.register(
      name: "numbers", type: .embedding, payload: Payload(.array(array)), writer: Writer(.elixir))
    let call = Recorder()
    let tool = try host.tools.registry.admit("address_of")
    _ = try host.tools.start(
      tool,
      ToolCall.Request(
        arguments: Arguments(checked: ["numbers": .value(.array(array), .embedding)])),
      in: session, onEventLoop: false, observer: call)
    let address = array.bytes.withUnsafeBytes { Int64(Int(bitPattern: $0.baseAddress!)) }
    #expect(try call.wait().result.get() == .value(.integer(address), .integer))
  }

  // MARK: Callbacks

  @Test func comparisonsOrderEitherWay() throws {
    #expect(try result("sort", ["numbers": "[3,-1,2]"]) == "[-1,2,3]")
    #expect(try result("sort", ["numbers": "[3,-1,2]", "order": #""descending""#]) == "[3,2,-1]")
    #expect(throws: ToolsError.self) { try value("sort", ["numbers": "[1]", "order": #""up""#]) }
  }

  @Test func progressIsTold() throws {
    let recorder = Recorder()
    _ = try host.begin("work", ["steps": "4"], session: session, recorder: recorder)
    #expect(try recorder.wait().result.get() == .value(.integer(4), .integer))
    #expect(recorder.progress == [0, 0.25, 0.5, 0.75])
  }

  @Test func aCallbackHearsOfTheCancellation() throws {
    for (tool, arguments) in [("work", ["steps": "1000000000000"]), ("wait_for_stop", [:])] {
      let recorder = Recorder()
      let call = try host.begin(tool, arguments, session: session, recorder: recorder)
      usleep(20_000)
      call.cancel(.cancelled)
      #expect(throws: ToolFailure.self) { try recorder.wait().result.get() }
    }
  }

  // MARK: Handles

  @Test func handlesAreKeptBetweenCalls() throws {
    let counter = try result("counter_new", ["start": "5"])
    #expect(try result("counter_add", ["counter": counter, "number": "2"]) == "7")
    let other = try result("counter_open", ["name": #""abc""#])
    #expect(try result("counter_sum", ["left": counter, "right": other]) == "10")
    #expect(try result("counter_sum", ["left": counter, "right": counter]) == "14")
    #expect(try result("counter_sum", ["left": counter]) == "7")
    #expect(try result("unfreed") == "2")
    #expect(try value("counter_free", ["counter": counter]) == .null)
    #expect(try result("unfreed") == "1")
    let gone = try failure("counter_add", ["counter": counter, "number": "1"])
    #expect(gone.code == 5 && gone.message.contains("no handle"))
    _ = try value("counter_free", ["counter": other])
  }

  @Test func whatIsMadeByAFailureIsFreed() throws {
    let failure = try failure("counter_open", ["name": #""bad""#])
    #expect(failure.message == "counter_open failed: it returned 1")
    #expect(try self.failure("counter_new", ["start": "-1"]).code == 3)
    #expect(try result("unfreed") == "0")
  }

  @Test func handlesAreTheSessionsOwnAndEndWithIt() throws {
    let store = SessionStore()
    let first = try store.create("a")
    let second = try store.create("b")
    let counter = try host.result("counter_new", session: first)
    #expect(
      try host.result("counter_add", ["counter": counter, "number": "1"], session: second)
        .contains("no handle"))
    _ = try host.result("counter_new", session: second)
    store.remove("a")
    #expect(try Fixture.eventually { try result("unfreed") == "1" })
    // The plugin's end frees the rest.
    host.tools.registry.generations[0].provider.retire()
    #expect(try result("unfreed") == "0")
  }

  @Test func callsOfOneHandleWaitForEachOther() throws {
    let counter = try result("counter_new", ["start": "0"])
    let calls = try (0..<200).map { _ in
      let recorder = Recorder()
      _ = try host.begin(
        "counter_add", ["counter": counter, "number": "1"], session: session, recorder: recorder)
      return recorder
    }
    let sums = calls.compactMap { call -> Int64? in
      guard case .success(.value(.integer(let sum), _)) = call.wait().result else { return nil }
      return sum
    }
    #expect(sums.sorted() == Array(1...200))
    _ = try value("counter_free", ["counter": counter])
  }

  // MARK: Variables

  @Test func variablesAreReadAndWritten() throws {
    #expect(try result("add_variable", ["number": "3"]) == "3")
    #expect(try result("add_variable", ["number": "4"]) == "7")
    #expect(try session.get("counter").variable.value == .integer(7))
    try session.register(
      name: "large", type: .integer, payload: Payload(.integer(256)), writer: Writer(.elixir))
    let failure = try failure("add_large", ["number": "1"])
    #expect(failure.code == 3 && failure.message == "parameter total: 256 is no uint8")
  }

  // MARK: Manifests that are wrong

  @Test(arguments: [
    (
      #""struct point[2]""#, #""struct dot""#,
      "structs.shape.fields[1].type: field corners: unknown type"
    ),
    (
      #""uint16[3]""#, #""uint16[0]""#,
      "structs.shape.fields[2].type: field weights: the length of an array"
    ),
    (
      #""x", "type": "double"}, {"name": "y""#, #""x", "type": "double"}, {"name": "x""#,
      "field x is declared twice"
    ),
    (#""kind": "comparison""#, #""kind": "order""#, "callbacks.order.kind: unknown kind"),
    (#""done": 1"#, #""done": 0"#, "callbacks.report.done: \"done\" must be the place of a number"),
    (
      #""destroy": "counter_free""#, #""free": "counter_free""#, "handles.counter.free: unknown key"
    ),
    (#""destroy": "counter_free""#, #""destroy": "counter_end""#, "has no function counter_end"),
    (
      #""type": "struct shape*", "direction": "inout""#,
      #""type": "struct shape", "direction": "inout""#,
      "a struct that the function writes is"
    ),
    (
      #""direction": "out", "free": "release""#, #""direction": "out", "free": "free_it""#,
      "has no function free_it"
    ),
    (
      #""type": "bytes", "direction": "out", "capacity": 4"#,
      #""type": "bytes", "direction": "out""#,
      "to is written by the function: say \"capacity\""
    ),
    (
      #"{"parameter": "from", "plus": 3}"#, #"{"parameter": "none", "plus": 3}"#,
      "parameters[0].capacity.parameter: tool reverse: \"parameter\": there is no parameter \"none\""
    ),
    (
      #""error": {"when": "null", "errno": true}"#, #""error": {"when": "negative"}"#,
      "\"negative\" says nothing of what the function returns"
    ),
    (#""dimension_of": "table", "axis": 0"#, #""dimension_of": "table""#, "needs \"axis\""),
    (#""length_of": "from"}"#, #""length_of": "from", "value": 3}"#, "cannot be together"),
    (#""value": null"#, #""value": 3"#, "only numbers, strings and null"),
    (
      #""number", "type": "uint8"}"#, #""number", "type": "uint8", "default": 256}"#,
      "parameter number: "
    ),
    (
      #""number", "type": "int64"}, {"name": "by""#, #""by", "type": "int64"}, {"name": "by""#,
      "parameter by is declared twice"
    ),
    (
      #""name": "size", "type": "uint32", "direction": "inout", "length_of": "to""#,
      #""name": "size", "type": "uint32", "direction": "inout""#,
      "a function that answers bytes can answer nothing"
    ),
  ])
  func aWrongDeclarationIsNamed(right: String, wrong: String, words: String) throws {
    let manifest = Fixture.text("native.native.json")
    let place = try #require(manifest.firstRange(of: right))
    fixture.write(
      "n.native.json", String(manifest[..<place.lowerBound]) + wrong + manifest[place.upperBound...]
    )
    let error = try #require(throws: PluginError.self) {
      try TestHost().plugins.load("\(fixture.directory)/n.native.json")
    }
    #expect(error.description.contains(words), "\(error)")
  }
}
