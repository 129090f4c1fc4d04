import BinaryFormatsFuzzing
import BridgeSessions
import FoundationEssentials
import RandomSessions
import SwiftProtobuf
import Testing

@testable import BridgeProtocol

/// What is written reads back as it was, whatever it is.
@Suite struct RoundTripTests {
  @Test func fieldsOfEveryKind() throws {
    var random = RandomBits(seed: 1)
    for _ in 0..<1000 {
      let text = random.text(upTo: 200)
      let bytes = random.bytes(random.below(300))
      let number = random.integer()
      let metadata = random.metadata()
      let field = 1 + random.below((1 << 29) - 6)
      var writer = WireWriter()
      writer.write(text, field: field)
      writer.writeMessage(bytes, field: field + 1)
      writer.write(number, field: field + 2)
      writer.write(Int32(truncatingIfNeeded: number), field: field + 3)
      writer.write(metadata, field: field + 4)
      writer.writeMessage(field: field + 5) { message in
        message.write(text + text, field: 1)
        message.write(true, field: 2)
      }
      var read = ("", [UInt8](), Int64(0), Int32(0), [String: String](), "", false)
      var last = 0
      try writer.bytes.withUnsafeBytes { view in
        var reader = WireReader(view)
        while try reader.next() {
          #expect(reader.field >= last)
          last = reader.field
          // Passed over, a field leaves the reader where reading it does.
          if random.chance(8) {
            var other = reader
            try other.skip()
            var same = reader
            if reader.field == field + 2 || reader.field == field + 3 {
              _ = try same.int64()
            } else {
              _ = try same.view()
            }
            #expect(try other.next() == same.next())
            #expect(other.field == same.field)
          }
          switch reader.field - field {
          case 0: read.0 = try reader.string()
          case 1: read.1 = Array(try reader.view())
          case 2: read.2 = try reader.int64()
          case 3: read.3 = Int32(truncatingIfNeeded: try reader.int64())
          case 4:
            let (key, value) = try reader.mapEntry()
            read.4[key] = value
          default:
            var inner = WireReader(try reader.view())
            while try inner.next() {
              if inner.field == 1 {
                read.5 = try inner.string()
              } else {
                read.6 = try inner.int64() == 1
              }
            }
          }
        }
      }
      #expect(read.0 == text)
      #expect(read.1 == bytes)
      #expect(read.2 == number)
      #expect(read.3 == Int32(truncatingIfNeeded: number))
      #expect(VariableMetadata(read.4) == metadata)
      #expect(read.5 == text + text)
      #expect(read.6)
    }
  }

  @Test func timestampsAreThoseOfProtobuf() throws {
    var random = RandomBits(seed: 2)
    for _ in 0..<500 {
      let time = random.integer() & .max
      var writer = WireWriter()
      writer.writeTimestamp(time, field: 1)
      var message = [UInt8]()
      try writer.bytes.withUnsafeBytes { view in
        var reader = WireReader(view)
        #expect(try reader.next())
        message = Array(try reader.view())
      }
      let read = try Google_Protobuf_Timestamp(serializedBytes: message)
      #expect(read.seconds * 1_000_000_000 + Int64(read.nanos) == time)
    }
  }

  @Test func wrappersOfGeneratedCodeAreRead() throws {
    var random = RandomBits(seed: 3)
    func read(_ message: some Message, _ kind: TypeURL.Wrapper) throws -> WrapperMessage? {
      let bytes: [UInt8] = try message.serializedBytes()
      return bytes.withUnsafeBytes { WrapperMessage($0, as: kind) }
    }
    for _ in 0..<500 {
      let integer = random.integer()
      let number = random.number()
      let text = random.text()
      let bytes = random.bytes(random.below(20))
      let small = Int32(truncatingIfNeeded: integer)
      let natural = UInt64(bitPattern: integer)
      if !number.isNaN {
        #expect(try read(Google_Protobuf_DoubleValue(number), .double) == .number(number))
        #expect(
          try read(Google_Protobuf_FloatValue(Float(number)), .float)
            == .number(Double(Float(number))))
      }
      #expect(try read(Google_Protobuf_Int64Value(integer), .int64) == .integer(integer))
      #expect(try read(Google_Protobuf_Int32Value(small), .int32) == .integer(Int64(small)))
      #expect(
        try read(Google_Protobuf_UInt32Value(UInt32(bitPattern: small)), .uint32)
          == .integer(Int64(UInt32(bitPattern: small))))
      #expect(
        try read(Google_Protobuf_UInt64Value(natural), .uint64)
          == (integer >= 0 ? .integer(integer) : .unsigned(natural)))
      #expect(try read(Google_Protobuf_BoolValue(integer > 0), .bool) == .boolean(integer > 0))
      #expect(try read(Google_Protobuf_StringValue(text), .string) == .string(text))
      #expect(try read(Google_Protobuf_BytesValue(Data(bytes)), .bytes) == .bytes(bytes))
    }
  }

  @Test(arguments: ValueType.allCases)
  func typeURLs(type: ValueType) throws {
    for form in [[], WireForm.snakepitURL] {
      for binary in [false, true] {
        let url = try #require(TypeURL(TypeURL.url(for: type, form: form, binary: binary)))
        #expect(url.type == type)
        #expect(url.content == (binary ? .binary : .json))
        #expect(url.form == (binary ? form.union(.binary) : form))
      }
    }
  }
}
