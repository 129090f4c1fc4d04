import BinaryFormats
import BinaryFormatsFuzzing
import BridgeSessions
import JSON
import RandomSessions
import Testing

/// What is written reads back as it was, for any value.
@Suite struct RoundTripTests {
  @Test(arguments: ValueType.allCases)
  func valuesAsJSON(type: ValueType) throws {
    var random = RandomBits(seed: 1)
    for _ in 0..<200 {
      let value = Value.random(type, using: &random)
      let json = value.json(as: type)
      let read = try Value(json: json, as: type)
      // Numbers in JSON have no element type: they are read as the nearest Doubles.
      guard case .array(let array) = value else {
        #expect(
          Payload(read).facts == Payload(value).facts, "\(String(decoding: json, as: UTF8.self))")
        continue
      }
      guard case .array(let back) = read else {
        Issue.record("no array")
        continue
      }
      #expect(back.shape == array.shape)
      #expect(back.isNested == array.isNested)
      #expect(
        zip(back.doubles, array.doubles).allSatisfy { isSame($0, $1, array.elementType) },
        "\(String(decoding: json, as: UTF8.self))")
    }
  }

  /// A Float is written as the shortest text that makes it, which is another Double.
  private func isSame(_ left: Double, _ right: Double, _ type: ElementType) -> Bool {
    left == right || left.isNaN && right.isNaN || type == .float32 && Float(left) == Float(right)
  }

  @Test(arguments: ValueType.allCases)
  func payloadsAsTheyAreStored(type: ValueType) throws {
    var random = RandomBits(seed: 2)
    for _ in 0..<200 {
      let payload = Payload.random(type, using: &random)
      let parts = PayloadParts(payload, as: type)
      let read = try PayloadParts(
        json: parts.json, elements: parts.elements, attachment: parts.attachment, form: parts.form
      ).payload(as: type)
      #expect(read.facts == payload.facts)
    }
  }

  /// A shape is taken from JSON just when what it makes can be stored and read again.
  @Test func whatIsTakenAsJSONCanBeStored() throws {
    var random = RandomBits(seed: 3)
    let lengths = [0, 1, 2, 3, 1 << 20, 1 << 40, (1 << 40) + 1, 1 << 41, .max]
    var taken = 0
    for _ in 0..<2000 {
      let shape = (0..<random.below(4)).map { _ in lengths.randomElement(using: &random)! }
      let data = Array(
        repeating: "1",
        count: min(
          shape.contains(0) ? 0 : 27,
          shape.reduce(1) {
            $0.multipliedReportingOverflow(by: $1).overflow ? 27 : min(27, $0 * $1)
          }))
      let json = #"{"shape":\#(shape),"data":[\#(data.joined(separator: ","))]}"#
      guard let value = try? Value(json: Array(json.utf8), as: .tensor) else { continue }
      taken += 1
      let read = try PayloadParts(Payload(value), as: .tensor).payload(as: .tensor)
      #expect(read.value == value, "\(json)")
    }
    #expect(taken > 200)
  }

  @Test(arguments: BinaryFormat.allCases)
  func arraysWithTheirMetadata(format: BinaryFormat) throws {
    var random = RandomBits(seed: 4)
    for _ in 0..<200 {
      let array = NumericArray.random(using: &random)
      let nested = random.chance(2)
      let metadata = try BinaryMetadata(json: array.binaryMetadata(type: .tensor, format: format))
      #expect(metadata.format == format)
      let read = try NumericArray(binary: array.binary(format, nested: nested), metadata: metadata)
      #expect(
        BinaryArray(shape: read.shape, elementType: read.elementType, bytes: read.bytes).isSame(
          as: BinaryArray(
            shape: array.shape, elementType: array.elementType, bytes: array.bytes)))
    }
  }

  @Test func metadata() throws {
    var random = RandomBits(seed: 5)
    for _ in 0..<200 {
      let metadata = random.metadata()
      #expect(try MetadataText.decode(MetadataText.encode(metadata)) == metadata)
    }
  }
}
