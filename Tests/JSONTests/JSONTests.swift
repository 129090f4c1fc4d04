import Testing

@testable import JSON

@Suite struct JSONTests {
  @Test func readsEveryKind() throws {
    let value = try JSON(parsing: #"{"a":[1,-2.5,"x\n\u00e9",true,null],"b":{}}"#)
    #expect(
      value
        == .object([
          .init(
            key: "a",
            value: .array([.integer(1), .number(-2.5), .string("x\né"), .boolean(true), .null])),
          .init(key: "b", value: .object([])),
        ]))
  }

  @Test func tellsIntegersFromNumbers() throws {
    #expect(try JSON(parsing: "9223372036854775807") == .integer(.max))
    #expect(try JSON(parsing: "-9223372036854775808") == .integer(.min))
    #expect(try JSON(parsing: "9223372036854775808") == .unsigned(1 << 63))
    #expect(try JSON(parsing: "18446744073709551615") == .unsigned(.max))
    #expect(try JSON(parsing: "18446744073709551616") == .number(0x1p64))
    #expect(try JSON(parsing: "-9223372036854775809") == .number(-0x1p63))
    #expect(try JSON(parsing: "3.0") == .number(3))
    #expect(try JSON(parsing: "1e30") == .number(1e30))
  }

  @Test(arguments: ["", " ", "{", "[1,]", "nul", "01", "\"", "{\"a\"}", "1 2", "NaN", "\u{FEFF}1x"])
  func refusesWhatIsNoJSON(text: String) {
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  /// A number that is too large leaves its neighbours alone.
  @Test func largeNumbersAreFloatsAndOthersStayWhole() throws {
    #expect(
      try JSON(
        parsing: "[1e5,9223372036854775807,-123456789012345683968,\"12345678901234567890123\"]")
        == .array([
          .number(1e5), .integer(.max), .number(-123_456_789_012_345_683_968),
          .string("12345678901234567890123"),
        ]))
    #expect(
      try JSON(parsing: "[123456789012345683968,18446744073709551615,-9223372036854775808]")
        == .array([.number(123_456_789_012_345_683_968), .unsigned(.max), .integer(.min)]))
  }

  /// Keys of one length are told apart.
  @Test func membersAreFoundByTheirKey() throws {
    let value = try JSON(parsing: #"{"aa":1,"ab":2,"b":3}"#)
    #expect(value["ab"] == .integer(2) && value["aa"] == .integer(1) && value["b"] == .integer(3))
    #expect(value["ac"] == nil && value["a"] == nil && JSON.null["a"] == nil)
  }

  @Test func refusesDeepNesting() throws {
    let limit = JSON.depthLimit
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSON(parsing: nested(limit - 1))
    let error = #expect(throws: JSONError.self) { try JSON(parsing: nested(100_000)) }
    #expect(error?.message.contains("deeper") == true)
  }

  @Test func errorsShowTheText() {
    let error = #expect(throws: JSONError.self) { try JSON(parsing: "{oops}") }
    #expect(error?.message.contains("{oops}") == true)
  }

  @Test func writesWhatItReads() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let value = JSON.random(depth: 4, using: &random)
      #expect(try JSON(parsing: value.text) == value)
    }
  }

  @Test func writesSpecialFloatsAsStrings() {
    #expect(JSON.number(.nan).text == "\"NaN\"")
    #expect(JSON.number(.infinity).text == "\"Infinity\"")
    #expect(JSON.number(-.infinity).text == "\"-Infinity\"")
  }

  @Test func skipsWholeValues() throws {
    try Array(#"[{"a":[1,[2]],"b":3},7]"#.utf8).withUnsafeBytes { bytes in
      try JSON.read(bytes) { reader in
        #expect(reader.beginArray() == 2)
        reader.skip()
        #expect(reader.integer() == 7)
      }
    }
  }

  @Test func aValueIsReadAsItsKindAndElsePassedBy() throws {
    try Array(#"[null,"a",1,18446744073709551615,2.5,true,{}]"#.utf8).withUnsafeBytes { bytes in
      try JSON.read(bytes) { reader in
        #expect(reader.beginObject() == nil && reader.beginArray() == 7)
        #expect(reader.string() == nil && reader.integer() == nil && reader.null())
        #expect(!reader.null() && reader.number() == nil && reader.string() == "a")
        #expect(!reader.null() && reader.string() == nil && reader.number() == 1)
        #expect(reader.integer() == nil && reader.number() == 0x1p64)
        #expect(!reader.null() && reader.integer() == nil && reader.number() == 2.5)
        #expect(!reader.null() && reader.number() == nil && reader.beginArray() == nil)
        reader.skip()
        #expect(reader.beginArray() == nil && reader.beginObject() == 0)
      }
    }
  }

  /// Names of 64 bytes are read, longer ones passed over.
  @Test func namesAreShort() throws {
    for length in [64, 65] {
      let name = String(repeating: "n", count: length)
      try Array("[\"\(name)\",7]".utf8).withUnsafeBytes { bytes in
        try JSON.read(bytes) { reader in
          #expect(reader.beginArray() == 2 && reader.shortName() == (length == 64 ? name : nil))
          #expect(reader.shortName() == nil && reader.integer() == 7)
        }
      }
    }
  }

  @Test(
    arguments: [
      ("[NaN,-Infinity,\"NaN\",Infinity]", #"["NaN","-Infinity","NaN","Infinity"]"#),
      ("NaN", #""NaN""#), (#"{"a\\":NaN,"\"NaN":1}"#, #"{"a\\":"NaN","\"NaN":1}"#),
      (#"["NaN","\\"]"#, nil), ("[1,Nan]", nil), ("", nil),
    ] as [(String, String?)])
  func bareFloatsAreQuotedAndNothingElseIs(text: String, quoted: String?) {
    let result = Array(text.utf8).withUnsafeBytes { JSON.withBareFloatsAsStrings($0) }
    #expect(result.map { String(decoding: $0, as: UTF8.self) } == quoted)
  }

  @Test(
    arguments: [
      ("[18446744073709551616]", "[18446744073709551616e0]"),
      ("-9223372036854775809", "-9223372036854775809e0"),
      ("[18446744073709551615,-9223372036854775808]", nil),
      ("[18446744073709551616.0,18446744073709551616e1,\"18446744073709551616\"]", nil),
      ("{\"a\":99999999999999999999,\"b\":1}", "{\"a\":99999999999999999999e0,\"b\":1}"),
      ("[1e+5,123456789012345678]", nil),
    ] as [(String, String?)])
  func onlyLargeWholeNumbersBecomeFloats(text: String, floats: String?) {
    let result = Array(text.utf8).withUnsafeBytes { JSON.withLargeIntegersAsFloats($0) }
    #expect(result.map { String(decoding: $0, as: UTF8.self) } == floats)
  }

  @Test func survivesAHugeDocument() throws {
    let text = "[" + (0..<200_000).map(String.init).joined(separator: ",") + "]"
    guard case .array(let elements) = try JSON(parsing: text) else {
      Issue.record("no array")
      return
    }
    #expect(elements.count == 200_000)
    #expect(elements.last == .integer(199_999))
    #expect(try JSON(parsing: "1") == .integer(1))
  }
}

extension JSON {
  fileprivate static func random(
    depth: Int, using random: inout some RandomNumberGenerator
  ) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
    case 0: return .null
    case 1: return .boolean(.random(using: &random))
    case 2: return .integer(.random(in: .min ... .max, using: &random))
    case 3:
      let number = Double(bitPattern: .random(in: .min ... .max, using: &random))
      // A whole number of a Double reads back as one only with a fraction, which it is written with.
      return number.isFinite ? .number(number) : .number(0.5)
    case 4:
      let scalars = (0..<Int.random(in: 0..<12, using: &random)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 0..<0x3000, using: &random))
      }
      return .string(String(String.UnicodeScalarView(scalars)))
    case 5: return .array((0..<3).map { _ in .random(depth: depth - 1, using: &random) })
    default:
      return .object(
        (0..<3).map { .init(key: "k\($0)", value: .random(depth: depth - 1, using: &random)) })
    }
  }
}
