import BinaryFormats
import BridgeSessions
import SwiftProtobuf
import Testing

@testable import BridgeProtocol

@Suite struct PayloadTests {
  private func payload(
    _ url: String, _ value: [UInt8], binary: [UInt8] = [], as type: ValueType
  ) throws -> Payload {
    try Payload(typeURL: url, value: value, binary: binary, as: type)
  }

  @Test(arguments: [
    "dspex.variables/float", "type.googleapis.com/snakepit.float", "type.snakepit.bridge/json",
    "float", "snakepit.float", "json", "",
    // Bare JSON under a wrapper's URL.
    "type.googleapis.com/google.protobuf.StringValue",
    "type.googleapis.com/google.protobuf.DoubleValue", "google.protobuf.Int64Value",
  ])
  func everyFamilyCarriesJSON(url: String) throws {
    let payload = try payload(url, Array("1.5".utf8), as: .float)
    #expect(payload.value == .float(1.5))
    let form: WireForm =
      if url.hasSuffix("snakepit.float") {
        .snakepitURL
      } else if url.hasSuffix("float") {
        []
      } else {
        // It names no family: the variable keeps its own.
        .inherited
      }
    #expect(payload.form == form)
  }

  @Test func packedWrappersAreRead() throws {
    func check(_ message: some Message, _ type: ValueType, _ expected: Value) throws {
      let any = try Google_Protobuf_Any(message: message)
      #expect(try payload(any.typeURL, Array(any.value), as: type).value == expected)
    }
    try check(Google_Protobuf_DoubleValue(1.5), .float, .float(1.5))
    try check(Google_Protobuf_DoubleValue(0), .float, .float(0))
    try check(Google_Protobuf_DoubleValue(.nan), .float, .float(.nan))
    try check(Google_Protobuf_FloatValue(0.5), .float, .float(0.5))
    try check(Google_Protobuf_DoubleValue(3), .integer, .integer(3))
    try check(Google_Protobuf_Int32Value(-5), .integer, .integer(-5))
    try check(Google_Protobuf_Int64Value(.min), .integer, .integer(.min))
    try check(Google_Protobuf_UInt32Value(.max), .integer, .integer(4_294_967_295))
    try check(Google_Protobuf_UInt64Value(7), .integer, .integer(7))
    try check(Google_Protobuf_Int64Value(7), .float, .float(7))
    try check(Google_Protobuf_BoolValue(true), .boolean, .boolean(true))
    try check(Google_Protobuf_BoolValue(false), .boolean, .boolean(false))
    try check(Google_Protobuf_StringValue("\"x\""), .string, .string("\"x\""))
    try check(Google_Protobuf_StringValue(""), .string, .string(""))
    try check(Google_Protobuf_StringValue("[1,2]"), .embedding, .array(NumericArray([1, 2])))
  }

  @Test func wrappersOfAnotherTypeAreRefused() throws {
    for (message, type) in [
      (try Google_Protobuf_Any(message: Google_Protobuf_BoolValue(true)), ValueType.float),
      (try Google_Protobuf_Any(message: Google_Protobuf_UInt64Value(.max)), .integer),
      (try Google_Protobuf_Any(message: Google_Protobuf_DoubleValue(1.5)), .integer),
      (try Google_Protobuf_Any(message: Google_Protobuf_Int64Value(1)), .string),
      (try Google_Protobuf_Any(message: Google_Protobuf_BytesValue(.init())), .string),
    ] {
      #expect(throws: SessionError.self) {
        try payload(message.typeURL, Array(message.value), as: type)
      }
    }
  }

  @Test func unknownURLsAreNamed() {
    let error = #expect(throws: SessionError.self) {
      try payload("type.googleapis.com/foo.Bar", Array("1".utf8), as: .float)
    }
    #expect(error?.message.contains("foo.Bar") == true)
  }

  @Test func binaryNeedsItsBytes() throws {
    let url = "type.googleapis.com/snakepit.embedding.binary"
    let metadata = Array(#"{"shape":[2],"dtype":"float32"}"#.utf8)
    let good = try payload(url, metadata, binary: Array(repeating: 0, count: 8), as: .embedding)
    #expect(good.form == [.snakepitURL, .binary])
    #expect(throws: SessionError.self) { try payload(url, metadata, as: .embedding) }
    #expect(throws: SessionError.self) {
      try payload(url, metadata, binary: [1, 2, 3], as: .embedding)
    }
    #expect(throws: SessionError.self) {
      try payload(
        url, Array(#"{"shape":[1,2],"dtype":"float32"}"#.utf8),
        binary: Array(repeating: 0, count: 8), as: .embedding)
    }
    #expect(throws: SessionError.self) { try payload(url, metadata, binary: [0], as: .float) }
    let empty = Array(#"{"shape":[0],"dtype":"float32"}"#.utf8)
    #expect(
      try payload(url, empty, as: .embedding).value
        == .array(
          NumericArray(shape: [0], elementType: .float32, bytes: [])))
  }

  @Test func everyBinaryFormatIsReadAndRemembered() throws {
    let url = "type.googleapis.com/snakepit.tensor.binary"
    for format in BinaryFormat.allCases {
      let array = NumericArray([1, 2, 3, 4, 5, 6], shape: [2, 3])
      let payload = try payload(
        url, array.binaryMetadata(type: .tensor, format: format),
        binary: array.binary(format, nested: true), as: .tensor)
      #expect(payload.value == .array(array))
      #expect(payload.binaryFormat == format)
    }
    let json = try payload(
      "dspex.variables/tensor", Array(#"{"shape":[1],"data":[1]}"#.utf8), as: .tensor)
    #expect(json.binaryFormat == .raw)
  }

  @Test func whatStandsForTooMuchIsALimit() {
    // [[...]] of 30 lists, each ten times the one before.
    var pickle: [UInt8] = [0x5D, 0x94]
    for level in 0..<30 as Range<UInt8> {
      pickle +=
        [0x5D, 0x28] + Array(repeatElement([0x68, level], count: 10).joined()) + [0x65, 0x94]
    }
    let error = #expect(throws: SessionError.self) {
      try payload(
        "snakepit.tensor.binary", Array(#"{"binary_format":"pickle"}"#.utf8),
        binary: [0x28] + pickle + [0x31, 0x68, 30, 0x2E], as: .tensor)
    }
    #expect(error?.code == .limitReached)
  }

  @Test func bytesBesideATextAreKept() throws {
    let payload = try payload(
      "dspex.variables/string", Array("\"x\"".utf8), binary: [1, 2, 3], as: .string)
    #expect(payload.value == .string("x"))
    #expect(payload.attachment == [1, 2, 3])
  }

  /// Bytes are answered above 10 KiB, and to calls that ask for them.
  @Test(arguments: [(1280, false), (1281, true)])
  func largeValuesMayBeAnsweredAsBytes(count: Int, isLarge: Bool) throws {
    let session = try SessionStore().create("s")
    let text = "[" + [String](repeating: "0.5", count: count).joined(separator: ",") + "]"
    let variable = try session.register(
      name: "e", type: .embedding,
      payload: payload("dspex.variables/embedding", Array(text.utf8), as: .embedding),
      writer: Writer(.elixir))
    #expect(variable.form(.none) == .json)
    #expect(variable.form(.format(.numpy)) == (isLarge ? .binary(.numpy) : .json))
  }
}
