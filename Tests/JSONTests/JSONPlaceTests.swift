import JSON
import Testing

@Suite struct JSONPlaceTests {
  private let text = Array(
    """
    {
      "name": "x",
      "tools": [
        {"name": "a"}, {
          "na\\u006de": "b",
          "returns": {
            "type": "int"
          }
        },
        3
      ],
      "name": "again"
    }
    """.utf8)

  @Test(
    arguments: [
      ([], 1, ""), ([.key("name")], 2, "name"), ([.key("tools")], 3, "tools"),
      ([.key("tools"), .index(0), .key("name")], 4, "tools[0].name"),
      ([.key("tools"), .index(1), .key("name")], 5, "tools[1].name"),
      ([.key("tools"), .index(1), .key("returns"), .key("type")], 7, "tools[1].returns.type"),
      ([.key("tools"), .index(2)], 10, "tools[2]"),
      // As far as it leads.
      ([.key("tools"), .index(1), .key("nothing"), .key("type")], 4, "tools[1].nothing.type"),
      ([.key("nothing")], 1, "nothing"), ([.index(0)], 1, "[0]"),
      ([.key("tools"), .index(3)], 3, "tools[3]"), ([.key("name"), .key("x")], 2, "name.x"),
    ] as [([JSONPlace.Step], Int, String)])
  func aValueHasItsLine(steps: [JSONPlace.Step], line: Int, description: String) {
    let place = JSONPlace(steps)
    #expect(place.line(in: text) == line)
    #expect("\(place)" == description)
  }

  @Test(arguments: [
    ("", 1), ("{", 1), ("{\n\"a\": 1,\n}", 3), ("[1\n2]", 2), ("\n\n{\"a\" 1}", 3),
    ("{\"a\":\ntru}", 2),
    ("[\n\"a\nb\"]", 2), ("\"\\x\"", 1), ("\n\"\\u12g4\"", 2), ("01", 1), ("\n1.", 2), ("-", 1),
    ("1e", 1),
    ("{}\n{}", 2), ("{a: 1}", 1), ("\n[1,]", 2), ("'a'", 1), ("[+1]", 1), ("[1,\n/**/2]", 2),
  ])
  func aFaultHasItsLine(text: String, line: Int) {
    #expect(JSONPlace.lineOfFault(in: Array(text.utf8)) == line)
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  @Test(arguments: [
    "0", "-0.5e+7", " [ ] ", "{ }",
    "\r\n\t{\"a\":[true,false,null,\"\\\"\\u00e4\\/\"],\"b\":{\"c\":-1E9}}\n",
    "\"ä\"", "[[1],[2,3]]",
  ])
  func whatIsJSONHasNone(text: String) throws {
    #expect(JSONPlace.lineOfFault(in: Array(text.utf8)) == nil)
    _ = try JSON(parsing: text)
  }

  @Test func whatIsTooDeepIsAFault() {
    let text = "\n" + String(repeating: "[", count: 100_000)
    #expect(JSONPlace.lineOfFault(in: Array(text.utf8)) == 2)
  }
}
