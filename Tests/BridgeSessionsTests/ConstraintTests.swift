import Testing

@testable import BridgeSessions

@Suite struct ConstraintTests {
  private func message(_ json: String, _ type: ValueType, _ value: Value) throws -> String? {
    do {
      try Constraints(json: json, for: type).check(value)
      return nil
    } catch let error as SessionError {
      return error.message
    }
  }

  @Test func boundsNameValueAndBound() throws {
    let bounds = #"{"min":0.0,"max":1.0}"#
    #expect(try message(bounds, .float, .float(0.5)) == nil)
    #expect(try message(bounds, .float, .float(1.5)) == "Value 1.5 is above maximum 1.0")
    #expect(try message(bounds, .float, .float(-1)) == "Value -1.0 is below minimum 0.0")
    #expect(try message(bounds, .float, .float(.nan)) != nil)
    #expect(
      try message(#"{"min":1,"max":3}"#, .integer, .integer(4)) == "Value 4 is above maximum 3")
    // As Doubles these two would be equal.
    #expect(
      try message(#"{"max":9007199254740992}"#, .integer, .integer(9_007_199_254_740_993)) != nil)
  }

  @Test(arguments: [
    (ValueType.integer, #"{"max": 9007199254740992.0}"#, "9007199254740993"),
    (.integer, #"{"max": 9223372036854775806}"#, "9223372036854775807"),
    (.integer, #"{"min": -9223372036854775807}"#, "-9223372036854775808"),
    (.float, #"{"min": 9007199254740993}"#, "9007199254740992.0"),
    (.embedding, #"{"max": 18446744073709551614}"#, "[18446744073709551615]"),
    (.embedding, #"{"min": 9007199254740993}"#, "[9007199254740992, 9007199254740993]"),
  ])
  func boundsAreExact(type: ValueType, constraints: String, value: String) throws {
    let constraints = try Constraints(json: constraints, for: type)
    let value = try Value(json: Array(value.utf8), as: type)
    #expect(throws: SessionError.self) { try constraints.check(value) }
  }

  @Test(arguments: [
    ("int64", "[9007199254740993,-9223372036854775808]"),
    ("int64", "[9223372036854775807]"), ("uint64", "[18446744073709551615]"),
    ("uint64", "[9223372036854775809,1]"), ("int8", "[-128,127]"), ("bool", "[0,1]"),
  ])
  func elementsInJSONBecomeTheirTypeExactly(dtype: String, json: String) throws {
    let constraints = try Constraints(json: #"{"dtype": "\#(dtype)"}"#, for: .tensor)
    let count = json.split(separator: ",").count
    let text = #"{"shape":[\#(count)],"data":\#(json)}"#
    let value = try constraints.admit(Value(json: Array(text.utf8), as: .tensor))
    #expect(String(decoding: value.json(as: .tensor), as: UTF8.self) == text)
  }

  @Test(arguments: [
    ("int64", "[9223372036854775808]"), ("uint64", "[18446744073709551616]"),
    ("uint64", "[-1]"), ("int64", "[0.5]"), ("bool", "[2]"), ("int32", "[9007199254740993]"),
  ])
  func elementsThatDoNotFitAreRefused(dtype: String, json: String) throws {
    let constraints = try Constraints(json: #"{"dtype": "\#(dtype)"}"#, for: .tensor)
    let text = #"{"shape":[1],"data":\#(json)}"#
    let value = try Value(json: Array(text.utf8), as: .tensor)
    #expect(throws: SessionError.self) { try constraints.admit(value) }
  }

  @Test func bytesThatNameTheirTypeKeepIt() throws {
    let constraints = try Constraints(json: #"{"dtype": "int32"}"#, for: .tensor)
    let array = NumericArray(
      shape: [1], elementType: .int64, bytes: [1] + Array(repeating: 0, count: 7))
    #expect(throws: SessionError.self) { try constraints.admit(.array(array)) }
  }

  @Test func textsAreChecked() throws {
    let length = #"{"min_length":2,"max_length":3}"#
    #expect(try message(length, .string, .string("äö")) == nil)
    #expect(try message(length, .string, .string("\u{1F469}\u{200D}\u{1F680}x")) == nil)
    #expect(try message(length, .string, .string("a")) != nil)
    #expect(try message(length, .string, .string("abcd")) != nil)
    #expect(try message(#"{"pattern":"^[a-z]+$"}"#, .string, .string("abc")) == nil)
    #expect(try message(#"{"pattern":"^[a-z]+$"}"#, .string, .string("aBc")) != nil)
    let choices = try message(#"{"choices":["a","b"]}"#, .choice, .string("c"))
    #expect(choices == "Value \"c\" must be one of: a, b")
    let module = #"{"namespace":"dspy"}"#
    #expect(try message(module, .module, .string("dspy")) == nil)
    #expect(try message(module, .module, .string("dspy.Predict")) == nil)
    #expect(try message(module, .module, .string("dspyx.Predict")) != nil)
  }

  @Test func arraysAreChecked() throws {
    let vector = Value.array(NumericArray([0.6, 0.8]))
    #expect(try message(#"{"dimensions":2,"normalized":true}"#, .embedding, vector) == nil)
    #expect(try message(#"{"dimensions":3}"#, .embedding, vector) != nil)
    #expect(try message(#"{"max":0.7}"#, .embedding, vector) == "Value 0.8 is above maximum 0.7")
    let tensor = Value.array(NumericArray([1, 2, 3, 4, 5, 6], shape: [2, 3]))
    #expect(try message(#"{"shape":[2,-1]}"#, .tensor, tensor) == nil)
    #expect(try message(#"{"shape":[null,3]}"#, .tensor, tensor) == nil)
    #expect(try message(#"{"shape":[3,2]}"#, .tensor, tensor) != nil)
    #expect(try message(#"{"shape":[6]}"#, .tensor, tensor) != nil)
  }

  @Test(arguments: [
    (ValueType.float, "[]"), (.float, "x"), (.float, #"{"min":"0"}"#),
    (.float, #"{"min":2,"max":1}"#),
    (.string, #"{"pattern":"("}"#), (.string, #"{"min_length":-1}"#),
    (.string, #"{"min_length":3,"max_length":2}"#), (.choice, #"{"choices":[]}"#),
    (.choice, #"{"choices":[1]}"#), (.tensor, #"{"shape":[-2]}"#), (.tensor, #"{"dtype":"x"}"#),
    (.embedding, #"{"normalized":1}"#),
  ])
  func malformedConstraintsAreRefused(type: ValueType, json: String) {
    let error = #expect(throws: SessionError.self) { try Constraints(json: json, for: type) }
    #expect(error?.code == .invalidValue)
  }

  /// Searches that take the square of the text or worse. Were one not bounded as a whole, this would
  /// take minutes.
  @Test(arguments: [
    ("^(a+)+$", String(repeating: "a", count: 5000) + "b"),
    ("^(a+)+$", String(repeating: "a", count: 40) + "b"),
    ("(?<=a)a*[bc]", String(repeating: "a", count: 3_000_000)),
    ("a*a*a*a*b", String(repeating: "a", count: 100_000)),
    ("(a*)*b\\1", String(repeating: "a", count: 100_000)),
    ("(?=a*b)x|a", String(repeating: "ca", count: 10) + String(repeating: "d", count: 5)),
    ("(.+)\\1x", String(repeating: "a", count: 200_000)),
    ("^(?:a?){20000}a{20000}$", String(repeating: "a", count: 20_000)),
  ])
  func aSearchEndsWhateverThePattern(pattern: String, text: String) {
    _ = try? PCREPattern(pattern).matches(text)
  }

  @Test func longTextsThatMatchAreTaken() throws {
    for (source, unit) in [
      ("^(_|X)+$", "_"), ("^(?:ab|cd|[xyz])*$", "abxcd"), ("^[a-z ]+$", "words and "),
      ("^(?:[^,]*,)*$", "a,bb,,"), ("needle$", "hay"),
    ] {
      let pattern = try PCREPattern(source)
      for count in [1, 100, 1030, 20_000, 100_000] {
        let text = String(repeating: unit, count: count)
        #expect(try pattern.matches(source == "needle$" ? text + "needle" : text), "\(source)")
      }
    }
  }

  @Test func anEmptyTextIsSearched() throws {
    #expect(try PCREPattern("^$").matches(""))
    #expect(try !PCREPattern("a").matches(""))
  }

  @Test(arguments: [300, 1400]) func whatPatternsTakeIsCounted(repeats: Int) throws {
    var limits = SessionLimits()
    limits.sessionBytes = 1 << 20
    let session = try SessionStore(limits: limits).create("s")
    let constraints = #"{"pattern": "^(?:(?:\\w|\\d)*?(?:e|f)+x){0,\#(repeats)}$"}"#
    var taken = 0
    while taken < 1000,
      (try? session.register(
        name: "v\(taken)", type: .string, constraints: constraints, payload: Payload(.string("")),
        writer: Writer(.elixir))) != nil
    { taken += 1 }
    #expect((1..<40).contains(taken), "each takes tens of kilobytes")
    let full = session.statistics.valueBytes
    _ = try session.delete("v0", writer: Writer(.elixir))
    #expect(session.statistics.valueBytes < full - 10_000)
  }

  /// A pattern that is too large for counting is searched in short texts, boundedly.
  @Test func theLargestPatternsAreSearchedInShortTexts() throws {
    let pattern = try PCREPattern(#"^(?:(?:\w|\d)*?(?:e|f)+x){0,1400}$"#)
    #expect(try pattern.matches("abexcdfx"))
    #expect(try !pattern.matches("abexcdfy"))
    for text in [String(repeating: "e", count: 1000), String(repeating: "e", count: 5000)] {
      #expect(throws: SessionError.self) { try pattern.matches(text) }
    }
  }

  @Test func patternsHaveALength() {
    #expect(throws: SessionError.self) {
      try PCREPattern(String(repeating: "a", count: PCREPattern.lengthLimit + 1))
    }
  }

  @Test func aHostilePatternIsAnErrorInBoundedSteps() throws {
    let pattern = try PCREPattern("^(a+)+$")
    #expect(throws: SessionError.self) {
      try pattern.matches(String(repeating: "a", count: 5000) + "b")
    }
    #expect(try pattern.matches("aaaa"))
  }
}

// What tests check takes the time it takes.
extension Constraints {
  fileprivate func check(_ value: Value) throws {
    var searches = SearchBudget()
    try check(value, &searches)
  }
}

extension PCREPattern {
  fileprivate func matches(_ text: String) throws -> Bool {
    var searches = SearchBudget()
    return try matches(text, &searches)
  }
}
