import BridgeSessions
import JSON
import Testing

@testable import BridgeTools

@Suite struct JSONSchemaTests {
  private func faults(_ schema: String, _ value: String) throws -> [String] {
    try JSONSchema(parsing: schema).faults(in: JSON(parsing: value)).map(\.description)
  }

  @Test(arguments: [
    (#"{"type":"integer"}"#, ["1", "-3", "1.0", "1e2"], ["1.5", "\"1\"", "true", "null"]),
    (#"{"type":["string","null"]}"#, ["null", "\"\""], ["1", "[]"]),
    (#"{"minimum":1,"exclusiveMaximum":3}"#, ["1", "2.9", "\"x\""], ["0.9", "3", "3.0"]),
    // Whole numbers of 64 bits, exactly.
    (#"{"maximum":9007199254740993}"#, ["9007199254740993"], ["9007199254740994"]),
    (#"{"const":9007199254740993}"#, ["9007199254740993"], ["9007199254740992"]),
    (#"{"maximum":9223372036854775807}"#, ["9223372036854775807"], ["9223372036854775808"]),
    (#"{"multipleOf":0.1}"#, ["0.3", "1", "-0.7"], ["0.35"]),
    (#"{"multipleOf":3}"#, ["9", "0", "6.0"], ["8", "6.5"]),
    (#"{"minLength":2,"maxLength":3}"#, ["\"ab\"", "\"äöü\""], ["\"a\"", "\"abcd\""]),
    (#"{"pattern":"^a+$"}"#, ["\"aa\"", "1"], ["\"ab\""]),
    (#"{"enum":[1,"a",{"x":[1]}]}"#, ["1.0", "\"a\"", #"{"x":[1.0]}"#], ["2", "{}"]),
    // Texts are equal by their bytes, not by what they look like.
    ("{\"const\":\"\u{E9}\"}", ["\"\u{E9}\""], ["\"e\u{301}\""]),
    (
      #"{"required":["a"],"properties":{"a":{"type":"string"}},"additionalProperties":false}"#,
      [#"{"a":""}"#], ["{}", #"{"a":1}"#, #"{"a":"","b":1}"#]
    ),
    (
      #"{"patternProperties":{"^n_":{"type":"number"}},"propertyNames":{"maxLength":4}}"#,
      [#"{"n_a":1,"x":""}"#], [#"{"n_a":""}"#, #"{"longer":1}"#]
    ),
    (
      #"{"dependentRequired":{"a":["b"]},"minProperties":1}"#, [#"{"a":1,"b":1}"#, #"{"c":1}"#],
      [#"{"a":1}"#, "{}"]
    ),
    (#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, [#"{"b":1}"#], [#"{"a":1}"#]),
    (
      #"{"prefixItems":[{"type":"string"}],"items":{"type":"number"},"minItems":1}"#,
      [#"["a"]"#, #"["a",1,2]"#], ["[]", "[1]", #"["a","b"]"#]
    ),
    (#"{"contains":{"type":"null"},"maxContains":1}"#, ["[1,null]"], ["[1]", "[null,null]"]),
    (
      #"{"uniqueItems":true}"#, ["[1,2]", #"[{"a":1},{"a":2}]"#],
      ["[1,1.0]", #"[{"a":1,"b":2},{"b":2,"a":1}]"#]
    ),
    (#"{"anyOf":[{"type":"null"},{"minimum":5}]}"#, ["null", "5"], ["4"]),
    (#"{"oneOf":[{"minimum":0},{"maximum":10}]}"#, ["11", "-1"], ["5"]),
    (#"{"allOf":[{"minimum":0},{"maximum":10}],"not":{"const":5}}"#, ["4"], ["5", "11"]),
    (
      #"{"if":{"type":"string"},"then":{"minLength":1},"else":{"type":"number"}}"#, ["\"a\"", "1"],
      ["\"\"", "null"]
    ),
    (
      ##"{"$defs":{"tree":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"$ref":"#/$defs/tree"}"##,
      ["[]", "[[],[[]]]"], ["1", "[[1]]"]
    ),
    (
      ##"{"properties":{"a/b":{"type":"null"}},"allOf":[{"$ref":"#/properties/a~1b"}]}"##, ["null"],
      ["1"]
    ),
    ("false", [], ["1", "null"]),
    ("true", ["1", "null"], []),
    (#"{"format":"email","x-own":1}"#, ["\"no\""], []),
  ])
  func whatIsRightPassesAndTheRestDoesNot(
    schema: String, right: [String], wrong: [String]
  ) throws {
    for value in right { #expect(try faults(schema, value) == [], "\(schema) \(value)") }
    for value in wrong { #expect(try faults(schema, value) != [], "\(schema) \(value)") }
  }

  @Test func everyFaultIsToldWithItsPlace() throws {
    let schema = #"""
      {"properties": {"a": {"type": "array", "items": {"maximum": 3}}, "b~/": {"minLength": 2}},
       "required": ["c"], "additionalProperties": false}
      """#
    #expect(
      try Set(faults(schema, #"{"a": [1, 7, 9], "b~/": "x", "d": 1}"#)) == [
        "\"c\" is required", "/a/1: 7 is above maximum 3", "/a/2: 9 is above maximum 3",
        "/b~0~1: has 1 characters, at least 2 are needed", "/d: there is no such member",
      ])
  }

  @Test func aMessageIsBounded() throws {
    let long = "\"" + String(repeating: "x", count: 100_000) + "\""
    let told = try faults(#"{"type":"integer"}"#, long)
    #expect(told.count == 1 && told[0].utf8.count < 200)
    let many = "[" + Array(repeating: "1", count: 1000).joined(separator: ",") + "]"
    #expect(try faults(#"{"items":{"type":"null"}}"#, many).count == JSONSchema.faultLimit)
  }

  @Test func referencesInACircleEnd() throws {
    let circle = try faults(
      ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##, "1")
    #expect(circle == ["the schema refers to itself without end"])
  }

  @Test(arguments: [
    ("[]", "an object or a boolean"), ("{", "not JSON"), (#"{"type":"int"}"#, "no type"),
    (#"{"minimum":"1"}"#, "a number"), (#"{"minLength":-1}"#, "from 0 on"),
    (#"{"pattern":"("}"#, "does not compile"), (#"{"required":"a"}"#, "an array"),
    (#"{"allOf":[]}"#, "empty"), (#"{"multipleOf":0}"#, "above 0"),
    (#"{"$ref":"https://example.com/x"}"#, "no reference within"),
    (##"{"$ref":"#/$defs/x"}"##, "there is no #/$defs/x"),
    (#"{"unevaluatedProperties":false}"#, "not known"),
    (#"{"$defs":{"a":{"type":1}}}"#, "#/$defs/a/type"),
  ])
  func aSchemaThatIsNoneIsRefusedInWords(schema: String, words: String) {
    let error = #expect(throws: ToolsError.self) { try JSONSchema(parsing: schema) }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    #expect(error?.code == .invalidSchema)
  }

  /// Takes the square of a text of "a"s, which it accepts with "ok" at its end.
  private static let slow = #""pattern":"(?<=a)a*[bc]|ok$""#
  private static let text = String(repeating: "a", count: 1000)

  @Test(arguments: [
    (#"{"items":{@}}"#, "ok"), (#"{"contains":{@}}"#, ""), (#"{"items":{"not":{@}}}"#, ""),
    (#"{"items":{"anyOf":[{@}]}}"#, "ok"), (#"{"items":{"oneOf":[{@}]}}"#, "ok"),
    (#"{"items":{"if":{@},"then":true}}"#, ""),
  ])
  func allSearchesInAValueHaveOneLimit(schema: String, end: String) throws {
    let schema = schema.replacing("@", with: Self.slow)
    let text = "\"\(Self.text)\(end)\""
    let found = try faults(
      schema, "[\(Array(repeating: text, count: 1000).joined(separator: ","))]")
    #expect(found.contains { $0.contains("more steps than they may together") })
  }

  @Test func whatCannotBeSearchedForHoldsInNoWay() throws {
    // Of a hundred thousand, one search takes more steps than it may.
    let text = "\"\(String(repeating: "a", count: 100_000))\""
    for schema in ["{\(Self.slow)}", "{\"not\":{\(Self.slow)}}"] {
      let found = try faults(schema, text)
      #expect(found.contains { $0.contains("cannot be checked") })
    }
    // It is told once, however often it matters.
    let twice = try faults("{\"anyOf\":[{\(Self.slow)},{\(Self.slow)}]}", text)
    #expect(twice.count { $0.contains("cannot be checked") } == 1)
  }

  @Test func searchesThatTakeLongAreGivenBack() throws {
    let schema = try JSONSchema(parsing: "{\(Self.slow)}")
    var searches = SearchBudget.brief
    #expect(throws: SearchInterruption.needsTime) {
      try schema.faults(in: .string(Self.text), &searches)
    }
    searches = .brief
    #expect(try schema.faults(in: .string("ab"), &searches).isEmpty)
  }

  /// A schema that goes as deep as it may, and one that goes a step deeper.
  @Test func referencesMayBe511Deep() throws {
    func found(_ count: Int) throws -> [String] {
      let steps = (0..<count).map { ##""s\##($0)":{"$ref":"#/$defs/s\##($0 + 1)"}"## }
      return try faults(
        ##"{"$ref":"#/$defs/s0","$defs":{\##((steps + [##""s\##(count)":true"##]).joined(separator: ","))}}"##,
        "1")
    }
    #expect(try found(510) == [])
    #expect(try found(511) == ["the schema refers to itself without end"])
  }
}
