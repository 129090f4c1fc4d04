import JSON
import Testing

@testable import BridgeSessions

@Suite struct ValueTests {
  private func value(_ json: String, _ type: ValueType) throws -> Value {
    try Value(json: Array(json.utf8), as: type)
  }

  @Test func everyTypeRoundTrips() throws {
    let cases: [(ValueType, String)] = [
      (.float, "1.5"), (.float, "-0.0"), (.float, "1e+300"), (.float, "\"NaN\""),
      (.float, "\"Infinity\""), (.float, "\"-Infinity\""), (.integer, "-9223372036854775808"),
      (.integer, "9223372036854775807"), (.boolean, "true"), (.string, "\"\u{1F600} \\\"\\\\\""),
      (.choice, "\"a\""), (.module, "\"dspy.Predict\""), (.embedding, "[]"),
      (.embedding, "[1.0,-2.5]"), (.tensor, #"{"shape":[2,2],"data":[[1.0,2.0],[3.0,4.0]]}"#),
      (.tensor, #"{"shape":[2,2],"data":[1.0,2.0,3.0,4.0]}"#),
      (.tensor, #"{"shape":[],"data":[5.0]}"#), (.tensor, #"{"shape":[0,3],"data":[]}"#),
    ]
    for (type, json) in cases {
      let read = try value(json, type)
      #expect(String(decoding: read.json(as: type), as: UTF8.self) == json)
      #expect(try Value(json: read.json(as: type), as: type) == read)
    }
  }

  /// The short cut for plain texts says what the parser says, or nothing.
  @Test func plainTextsAreReadAsTheParserReadsThem() throws {
    let alphabet = Array("0123456789\"\\aé-.e".utf8)
    var read = 0
    for _ in 0..<20_000 {
      var text = (0..<Int.random(in: 0..<6)).map { _ in alphabet.randomElement()! }
      if Bool.random() { text = [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")] }
      for type in [ValueType.integer, .float, .string] {
        guard let plain = text.withUnsafeBytes({ Value.plain($0, as: type) }) else { continue }
        read += 1
        let parsed = try text.withUnsafeBytes { bytes in
          try JSON.read(bytes) { try Value(reading: &$0, as: type) }
        }
        #expect(plain == parsed)
      }
    }
    #expect(read > 1000)
  }

  @Test func numbersAreConverted() throws {
    #expect(try value("3", .float) == .float(3))
    #expect(try value("3.0", .integer) == .integer(3))
    #expect(try value("-Infinity", .float) == .float(-.infinity))
    #expect(try value(#"{"shape":[],"data":5}"#, .tensor) == .array(NumericArray([5], shape: [])))
  }

  @Test(arguments: [
    (ValueType.integer, "3.5"), (.integer, "1e30"), (.integer, "true"), (.integer, "\"3\""),
    (.integer, "9223372036854775808"), (.float, "true"), (.float, "\"nan\""), (.float, "null"),
    (.boolean, "0"), (.boolean, "1"), (.boolean, "\"true\""), (.string, "5"), (.choice, "null"),
    (.embedding, "5"), (.embedding, "[1,\"x\"]"), (.embedding, "[[1]]"), (.tensor, "[1,2]"),
    (.tensor, #"{"shape":[2]}"#), (.tensor, #"{"data":[2]}"#),
    (.tensor, #"{"shape":[3],"data":[1,2]}"#), (.tensor, #"{"shape":[-1],"data":[1]}"#),
    (.tensor, #"{"shape":[2,2],"data":[[1,2],[3]]}"#),
    (.tensor, #"{"shape":[4294967296,4294967296,4294967296],"data":[]}"#),
    (.tensor, #"{"shape":[2,2],"data":[[1,2,3],[4]]}"#), (.float, ""), (.float, "{"),
  ])
  func wrongValuesAreRefused(type: ValueType, json: String) {
    let error = #expect(throws: SessionError.self) { try value(json, type) }
    #expect(error?.code == .invalidValue)
  }

  @Test func binaryValuesAreChecked() throws {
    func array(_ bytes: Int, _ metadata: String) throws -> NumericArray {
      try NumericArray(
        binary: Array(repeating: 0, count: bytes),
        metadata: BinaryMetadata(json: Array(metadata.utf8)))
    }
    let array32 = try array(24, #"{"shape":[2,3],"dtype":"float32","binary_format":"raw"}"#)
    #expect(array32.shape == [2, 3])
    #expect(try array(24, #"{"dtype":"float64"}"#).shape == [3])
    for (bytes, metadata) in [
      (23, #"{"shape":[2,3],"dtype":"float32"}"#), (24, #"{"shape":[2,3]}"#),
      (24, #"{"shape":[2,3],"dtype":"float31"}"#), (24, "[]"), (24, "x"),
      (24, #"{"shape":[4294967296,4294967296],"dtype":"float32"}"#),
      (24, #"{"shape":[6],"dtype":"float32","binary_format":"zip"}"#),
      (24, #"{"dtype":"float32","binary_format":"pickle"}"#),
    ] {
      let error = #expect(throws: SessionError.self) { try array(bytes, metadata) }
      #expect(error?.code == .invalidValue)
    }
    let error = #expect(throws: SessionError.self) { try array(24, #"{"binary_format":"zip"}"#) }
    #expect(error?.message.contains("raw, numpy, erlang_binary, pickle") == true)
  }

  @Test func everyElementTypeIsWrittenAsItsNumber() {
    for type in NumericArray.ElementType.allCases {
      let array = NumericArray(
        shape: [2], elementType: type, bytes: Array(repeating: 0, count: 2 * type.width))
      let text = String(decoding: Value.array(array).json(as: .embedding), as: UTF8.self)
      let zero =
        switch type {
        case .float32, .float64: "0.0"
        default: "0"
        }
      #expect(text == "[\(zero),\(zero)]")
      #expect(array.doubles == [0, 0])
    }
  }

  private func array(_ json: String, as type: ValueType = .embedding) throws -> NumericArray? {
    guard case .array(let array) = try Value(json: Array(json.utf8), as: type) else { return nil }
    return array
  }

  /// Whole numbers that come back from JSON as they went in, with the type of their elements.
  @Test(arguments: [
    ("[1,2]", "[1.0,2.0]", "float64"),
    ("[9007199254740993]", "[9007199254740993]", "int64"),
    ("[1,-9007199254740993]", "[1,-9007199254740993]", "int64"),
    (
      "[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]",
      "int64"
    ),
    ("[18446744073709551615,7]", "[18446744073709551615,7]", "uint64"),
    ("[9223372036854775808]", "[9.223372036854776e+18]", "float64"),
    ("[9007199254740993,0.5]", "[9007199254740992.0,0.5]", "float64"),
    ("[100000000000000000000,0.5]", "[1e+20,0.5]", "float64"),
    ("[NaN,-Infinity,Infinity,1]", #"["NaN","-Infinity","Infinity",1.0]"#, "float64"),
  ])
  func wholeNumbersOfArraysAreExact(json: String, back: String, type: String) throws {
    let read = try #require(try array(json))
    #expect(read.elementType.rawValue == type)
    #expect(String(decoding: Value.array(read).json(as: .embedding), as: UTF8.self) == back)
  }

  @Test func negativeAndLargestNumbersHaveNoTypeInCommon() {
    #expect(throws: SessionError.self) { try array("[-1,18446744073709551615]") }
  }

  @Test func bareWordsAreOnlyReadWhereFloatsAre() throws {
    let tensor = try array(#"{"shape": [2], "data": [NaN, -Infinity], "note": "NaN"}"#, as: .tensor)
    #expect(tensor?.doubles[1] == -.infinity)
    for json in [#"["NaN" NaN]"#, "[nan]", "[+Infinity]", "[Na]", "[--Infinity]"] {
      #expect(throws: SessionError.self) { try array(json) }
    }
    #expect(throws: SessionError.self) { try Value(json: Array("NaN".utf8), as: .string) }
  }

  @Test func booleansAreElementsOfTensors() throws {
    let flags = try array(#"{"shape": [2], "data": [true, false]}"#, as: .tensor)
    #expect(flags?.elementType == .bool)
    #expect(flags?.bytes == [1, 0])
    let mixed = try array(#"{"shape": [2, 1], "data": [[true], [2]]}"#, as: .tensor)
    #expect(mixed?.doubles == [1, 2])
    #expect(throws: SessionError.self) { try array("[true]") }
  }

  @Test func float32IsWrittenAsTheDoubleItIs() {
    let floats: [Float] = [2_147_483_648, 1_099_511_627_776, 0.5, 0.1]
    let array = NumericArray(
      shape: [4], elementType: .float32, bytes: floats.withUnsafeBytes { Array($0) })
    let text = String(decoding: Value.array(array).json(as: .embedding), as: UTF8.self)
    #expect(text == "[2147483648.0,1099511627776.0,0.5,0.10000000149011612]")
  }

  @Test func numbersAreComparedWithoutRounding() {
    let numbers: [ExactNumber] = [
      .float(-.infinity), .float(-0x1p64), .integer(.min), .integer(.min + 1),
      .integer(-(1 << 53) - 1), .float(-0x1p53), .float(-0.5), .integer(0), .float(0.5),
      .float(0x1p53), .integer(1 << 53 + 1), .integer(.max - 1), .integer(.max), .float(0x1p63),
      .unsigned(1 << 63 + 1), .unsigned(.max), .float(0x1p64), .float(.infinity),
    ]
    for (left, smaller) in numbers.enumerated() {
      for (right, larger) in numbers.enumerated() {
        #expect((smaller < larger) == (left < right), "\(smaller) \(larger)")
      }
      #expect(!(smaller < .float(.nan)))
      #expect(!(.float(.nan) < smaller))
    }
    // As large as a Double can say, and equal.
    #expect(!(ExactNumber.integer(1 << 53) < .float(0x1p53)))
    #expect(!(ExactNumber.float(0x1p53) < .integer(1 << 53)))
  }

  @Test func arraysAreEqualInShapeTypeAndContent() {
    let array = NumericArray([1, 2, 3, 4], shape: [2, 2])
    #expect(array == NumericArray([1, 2, 3, 4], shape: [2, 2]))
    #expect(array != NumericArray([1, 2, 3, 5], shape: [2, 2]))
    #expect(array != NumericArray([1, 2, 3, 4], shape: [4]))
    #expect(array != NumericArray([1, 2, 3, 4], shape: [4, 1]))
    // The same bytes as numbers of another type.
    let bits = [1.0, 2.0].withUnsafeBytes { Array($0) }
    #expect(
      NumericArray(shape: [2], elementType: .int64, bytes: bits, isNested: false, isUntyped: false)
        != NumericArray(
          shape: [2], elementType: .float64, bytes: bits, isNested: false, isUntyped: false))
  }
}
