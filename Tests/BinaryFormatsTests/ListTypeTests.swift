import BinaryFormats
import Testing

/// The type of numbers in lists. Pickles stand for both formats that have lists.
@Suite struct ListTypeTests {
  private func read(_ body: [UInt8], as type: ElementType? = nil) throws -> BinaryArray {
    try BinaryFormat.pickle.read(
      [0x5D, 0x28] + body + [0x65, 0x2E], ArrayDescription(dataType: type.map { DataType($0) }))
  }

  private func float(_ number: Double) -> [UInt8] {
    [0x47] + withUnsafeBytes(of: number.bitPattern.bigEndian) { Array($0) }
  }

  @Test func withoutATypeTheNumbersSayIt() throws {
    #expect(try read([0x4B, 1, 0x4B, 2]).elementType == .int64)
    #expect(try read([0x4B, 1] + float(2)).elementType == .float64)
    #expect(try read([0x88, 0x89]).elementType == .bool)
    #expect(try read([0x88, 0x4B, 5]).numbers == [1, 5])
    #expect(try read([0x88] + float(5)).numbers == [1, 5])
    #expect(try read([]).elementType == .float64)
  }

  @Test func floatsAreNotNarrowedWhereThatChangesThem() throws {
    let exact = try read(float(0.5) + [0x4B, 3] + float(.infinity) + float(.nan), as: .float32)
    #expect(exact.elementType == .float32)
    #expect(exact.numbers[..<3] == [0.5, 3, .infinity])
    let inexact = try read(float(0.1), as: .float32)
    #expect(inexact.elementType == .float64)
    #expect(inexact.numbers == [0.1])
    #expect(try read(float(1e300), as: .float32).numbers == [1e300])
    #expect(try read([0x4B, 3], as: .float64).elementType == .float64)
  }

  /// 2^53 + 1, which no Double is.
  private static let odd: [UInt8] = [0x8A, 7, 1, 0, 0, 0, 0, 0, 0x20]

  @Test func wholeNumbersThatNoFloatHoldsStayWhole() throws {
    for type in [ElementType.float32, .float64] {
      let array = try read(Self.odd + [0x4B, 2], as: type)
      #expect(array.elementType == .int64)
      #expect(array.bytes == [1, 0, 0, 0, 0, 0, 0x20, 0, 2, 0, 0, 0, 0, 0, 0, 0])
    }
    #expect(
      try read([0x8A, 9] + Array(repeating: 255, count: 8) + [0], as: .float64).elementType
        == .uint64)
  }

  @Test func wholeNumbersBesideFloatsMustBeFloats() throws {
    for type in [nil, ElementType.float32, .float64] {
      for body in [Self.odd + float(0.5), float(0.5) + Self.odd] {
        expectRefused(
          .pickle, [0x5D, 0x28] + body + [0x65, 0x2E], "9007199254740993", "float64",
          description: ArrayDescription(dataType: type.map { DataType($0) }), code: .mismatch)
      }
    }
  }

  @Test func integersMustFitTheirType() throws {
    #expect(try read([0x4B, 200] + float(3), as: .uint8).bytes == [200, 3])
    #expect(try read([0x4B, 1, 0x4B, 0], as: .bool).elementType == .bool)
    for (body, type, word) in [
      ([0x4B, 200], ElementType.int8, "200"), ([0x4B, 2], .bool, "2"),
      ([0x4B, 1] + float(1.5), .int32, "1.5"), (float(.nan), .int64, "nan"),
      ([0x4A, 255, 255, 255, 255], .uint64, "-1"),
    ] as [([UInt8], ElementType, String)] {
      expectRefused(
        .pickle, [0x5D, 0x28] + body + [0x65, 0x2E], word, type.rawValue,
        description: described(type), code: .mismatch)
    }
    let large = try read(float(0x1p63), as: .uint64)
    #expect(large.bytes == [0, 0, 0, 0, 0, 0, 0, 0x80])
  }
}
