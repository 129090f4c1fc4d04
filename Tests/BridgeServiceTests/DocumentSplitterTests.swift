import BinaryFormatsFuzzing
import BridgeSessions
import Testing

@testable import BridgeService

@Suite struct DocumentSplitterTests {
  /// The parts of a text that comes in pieces of a size, as text.
  private func parts(
    _ text: String, pieces: Int = 1, partLimit: Int = 1000, nodeLimit: Int = 1000
  ) throws -> [String] {
    var splitter = DocumentSplitter(
      splitting: "list", partLimit: partLimit, nodeLimit: nodeLimit)
    var parts: [String] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      try splitter.add(rest.prefix(pieces)) { part in
        switch part {
        case .element(let text): parts.append("- " + String(decoding: text, as: UTF8.self))
        case .member(let key, let value):
          parts.append(
            String(decoding: key, as: UTF8.self) + ": " + String(decoding: value, as: UTF8.self))
        }
      }
      rest = rest.dropFirst(pieces)
    }
    try splitter.finish()
    return parts
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func splitsMembersAndElements(pieces: Int) throws {
    let text = """
       { "a" : 1 , "b":{"list":[1,2]}, "list": [ 1 , "x,]}\\"", {"c":[1,{}]},[ ],null] ,
      "d":"]}\\\\" ,"e":[1,2 ] }
      """
    #expect(
      try parts(text, pieces: pieces) == [
        "a: 1 ", #"b: {"list":[1,2]}"#, "- 1 ", #"- "x,]}\"""#, #"- {"c":[1,{}]}"#, "- [ ]",
        "- null", #"d: "]}\\""#, "e: [1,2 ]",
      ])
  }

  @Test func whatIsEmpty() throws {
    #expect(try parts("{}") == [])
    #expect(try parts(#"{"list":[]}"#) == [])
    #expect(try parts(#" {"list" : [ ] , "a":""} "#) == [#"a: """#])
  }

  @Test func aListThatIsNoListIsAMember() throws {
    #expect(try parts(#"{"list":{"a":1}}"#) == [#"list: {"a":1}"#])
  }

  @Test(arguments: [
    "", "{", "[]", "{]", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1"#, #"{"a":1,}"#, #"{"a":1}}"#,
    #"{"a":1}{"#, #"{"list":[1,]}"#, #"{"list":[,1]}"#, #"{"list":[1}"#, #"{"list":[1]"#,
    #"{"list":[1],"list":[2]}"#, #"{a:1}"#, #"{"a" 1}"#, #"{"a":"x"#, #"x{}"#, #"{"a":"x" "y"}"#,
  ])
  func whatIsNoObjectIsRefused(text: String) {
    let error = #expect(throws: SessionError.self) { try parts(text) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func partsHaveLimits() throws {
    let long = #"{"list":["\#(String(repeating: "x", count: 98))"]}"#
    #expect(try parts(long, partLimit: 100).count == 1)
    #expect(throws: SessionError.self) { try parts(long, partLimit: 99) }
    let key = #"{"\#(String(repeating: "x", count: 100))":1}"#
    #expect(throws: SessionError.self) { try parts(key, partLimit: 100) }
    let wide = #"{"list":[[1,2,3]]}"#
    #expect(try parts(wide, nodeLimit: 3).count == 1)
    let error = #expect(throws: SessionError.self) { try parts(wide, nodeLimit: 2) }
    #expect(error?.code == .limitReached)
    // The limits are those of one part.
    #expect(try parts(#"{"list":[[1,2],[1,2],[1,2]]}"#, nodeLimit: 2).count == 3)
  }
}

@Suite struct SmallestElementsTests {
  @Test func areThoseOfASort() {
    var random = RandomBits(seed: 7)
    for round in 0..<200 {
      let all = (0..<random.below(60)).map { _ in random.below(40) }
      let count = 1 + random.below(30)
      var smallest = SmallestElements<Int>(count: count, by: <)
      for element in all { smallest.add(element) }
      #expect(smallest.sorted == Array(all.sorted().prefix(count)), "round \(round)")
    }
  }
}
