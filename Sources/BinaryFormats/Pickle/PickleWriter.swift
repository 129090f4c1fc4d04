/// Writes nested lists of numbers as a pickle of protocol 2, which every Python since 2.3 reads.
struct PickleWriter: ListEncoder {
  private var bytes: [UInt8]

  init(reservingCapacity capacity: Int) {
    bytes = []
    bytes.reserveCapacity(capacity)
    append(.proto)
    bytes.append(2)
  }

  /// The finished pickle.
  consuming func finish() -> [UInt8] {
    append(.stop)
    return bytes
  }

  mutating func beginList(of count: Int) {
    append(.emptyList)
    if count > 0 { append(.mark) }
  }

  mutating func endList(of count: Int) {
    if count > 0 { append(.appends) }
  }

  mutating func write(_ value: Bool) { append(value ? .newTrue : .newFalse) }

  mutating func write(_ value: Int64) {
    if let byte = UInt8(exactly: value) {
      append(.binInt1)
      bytes.append(byte)
    } else if let short = UInt16(exactly: value) {
      append(.binInt2)
      bytes.append(littleEndian: short)
    } else if let integer = Int32(exactly: value) {
      append(.binInt)
      bytes.append(littleEndian: integer)
    } else {
      append(.long1)
      bytes.append(8)
      bytes.append(littleEndian: value)
    }
  }

  mutating func write(_ value: UInt64) {
    if let value = Int64(exactly: value) {
      write(value)
    } else {
      // A ninth byte keeps the sign positive.
      append(.long1)
      bytes.append(9)
      bytes.append(littleEndian: value)
      bytes.append(0)
    }
  }

  mutating func write(_ value: Double) {
    append(.binFloat)
    bytes.append(bigEndian: value.bitPattern)
  }

  private mutating func append(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }
}
