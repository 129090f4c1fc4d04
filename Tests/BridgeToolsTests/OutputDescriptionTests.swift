import BridgeSessions
import Testing

@testable import BridgeTools

/// Results are held to what a tool declares, also those whose memory was given away.
@Suite struct OutputDescriptionTests {
  private func admitted(
    _ text: String, as type: ToolType, _ schema: String, isDonated: Bool
  ) throws -> String {
    let output = try OutputDescription(type: type, schemaJSON: schema)
    let value: ToolValue =
      isDonated
      ? .donated(DonatedValue(.json(type), Blob(Array(text.utf8))))
      : .json(Array(text.utf8), type)
    var searches = SearchBudget.ofTool()
    guard case .json(let bytes, type) = try output.check.admit(value, &searches).owned else {
      return ""
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(arguments: [false, true]) func jsonIsHeldToItsSchema(isDonated: Bool) throws {
    let schema = #"{"required":["a"]}"#
    #expect(try admitted(#"{"a":1}"#, as: .object, schema, isDonated: isDonated) == #"{"a":1}"#)
    #expect(try admitted(#"{"b":1}"#, as: .object, "", isDonated: isDonated) == #"{"b":1}"#)
    for (text, words) in [
      (#"{"b":1}"#, "a"), ("[1]", "object"), ("{", ""),
    ] {
      let error = #expect(throws: (any Error).self) {
        try admitted(text, as: .object, schema, isDonated: isDonated)
      }
      #expect(error.map { "\($0)".contains(words) } == true)
    }
  }

  @Test func numbersThatWereGivenAwayStayWhereTheyAre() throws {
    let value = DonatedValue(
      .numbers(.embedding, shape: [1], .uint8), Blob([7]))
    var searches = SearchBudget.ofTool()
    let plain = try OutputDescription(type: .value(.embedding))
    guard case .donated(let same) = try plain.check.admit(.donated(value), &searches) else {
      Issue.record("it was copied")
      return
    }
    #expect(same === value)
    let bounded = try OutputDescription(
      type: .value(.embedding), constraintsJSON: #"{"dimensions":2}"#)
    #expect(throws: SessionError.self) { try bounded.check.admit(.donated(value), &searches) }
    let bytes = try OutputDescription(type: .bytes)
    #expect(throws: (any Error).self) { try bytes.check.admit(.donated(value), &searches) }
  }
}
