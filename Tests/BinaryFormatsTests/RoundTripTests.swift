import BinaryFormats
import BinaryFormatsFuzzing
import Testing

@Suite struct RoundTripTests {
  @Test(arguments: BinaryFormat.allCases)
  func everyArrayComesBack(format: BinaryFormat) throws {
    var random = RandomBits(seed: 7)
    for type in ElementType.allCases {
      for _ in 0..<150 {
        let array = BinaryArray.random(type, using: &random)
        let description = ArrayDescription(shape: array.shape, dataType: DataType(type))
        let read = try format.read(format.write(array), description)
        #expect(read.isSame(as: array), "\(array) became \(read)")
      }
    }
  }

  /// Formats that say more than `raw` need less to be said.
  @Test(arguments: [BinaryFormat.erlang, .pickle])
  func listsShowShapeAndKind(format: BinaryFormat) throws {
    var random = RandomBits(seed: 8)
    for type in [ElementType.float64, .int64, .bool] {
      for _ in 0..<150 {
        let random = BinaryArray.random(type, using: &random)
        let array = BinaryArray(
          shape: random.shape, elementType: type, bytes: random.bytes, isNested: true)
        guard array.count > 0 else { continue }
        let read = try format.read(format.write(array))
        #expect(read.isSame(as: array), "\(array) became \(read)")
        #expect(read.isNested == (array.shape.count > 1))
      }
    }
  }

  @Test(arguments: BinaryFormat.allCases)
  func everyTruncationIsRefused(format: BinaryFormat) throws {
    let numbers: [Int16] = [1, -2, 300, 4, 5, 6]
    let array = BinaryArray(
      shape: [2, 3], elementType: .int16, bytes: numbers.withUnsafeBytes { Array($0) },
      isNested: true)
    let description = ArrayDescription(shape: [2, 3], dataType: DataType(.int16))
    let bytes = format.write(array)
    #expect(
      try format.read(bytes, description)
        == BinaryArray(
          shape: [2, 3], elementType: .int16, bytes: array.bytes,
          isNested: format == .erlang || format == .pickle))
    for count in 0..<bytes.count {
      #expect(throws: BinaryFormatError.self) {
        try format.read(Array(bytes.prefix(count)), description)
      }
    }
    #expect(throws: BinaryFormatError.self) { try format.read(bytes + [0], description) }
  }

  @Test func namesOfFormats() {
    #expect(BinaryFormat(name: "raw") == .raw)
    #expect(BinaryFormat(name: "numpy") == .numpy)
    #expect(BinaryFormat(name: "npy") == .numpy)
    #expect(BinaryFormat(name: "erlang_binary") == .erlang)
    #expect(BinaryFormat(name: "erlang") == .erlang)
    #expect(BinaryFormat(name: "pickle") == .pickle)
    #expect(BinaryFormat(name: "Raw") == nil)
    #expect(BinaryFormat.names == "raw, numpy, erlang_binary, pickle")
  }

  @Test func aShapeInTheMetadataMustFit() throws {
    let array = BinaryArray(
      shape: [2, 3], elementType: .uint8, bytes: [1, 2, 3, 4, 5, 6], isNested: true)
    for format in BinaryFormat.allCases {
      for shape in [
        [6, 1, 2], [5], [3, 3], [-2, -3], [Int.max, Int.max], Array(repeating: 1, count: 40),
      ] {
        let error = #expect(throws: BinaryFormatError.self) {
          try format.read(
            format.write(array), ArrayDescription(shape: shape, dataType: DataType(.uint8)))
        }
        #expect(error?.code == .mismatch)
      }
    }
    // Bytes that show a shape must have it; a flat list has none.
    for format in [BinaryFormat.numpy, .erlang, .pickle] {
      #expect(throws: BinaryFormatError.self) {
        try format.read(format.write(array), ArrayDescription(shape: [3, 2]))
      }
    }
    let flat = BinaryArray(shape: [2, 3], elementType: .uint8, bytes: array.bytes)
    for format in [BinaryFormat.erlang, .pickle] {
      let read = try format.read(
        format.write(flat), ArrayDescription(shape: [3, 2], dataType: DataType(.uint8)))
      #expect(read.shape == [3, 2])
      #expect(!read.isNested)
    }
  }
}
