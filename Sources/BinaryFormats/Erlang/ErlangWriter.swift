/// Writes nested lists of numbers as an external term that every release since OTP 20 reads.
///
/// Source: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
struct ErlangWriter: ListEncoder {
  private(set) var bytes: [UInt8]

  init(reservingCapacity capacity: Int) {
    bytes = []
    bytes.reserveCapacity(capacity)
    bytes.append(ErlangTag.version)
  }

  mutating func beginList(of count: Int) {
    guard count > 0 else { return }
    bytes.append(ErlangTag.list)
    bytes.append(bigEndian: UInt32(count))
  }

  mutating func endList(of count: Int) { bytes.append(ErlangTag.nil) }

  mutating func write(_ value: Bool) { writeAtom(value ? "true" : "false") }

  mutating func write(_ value: Int64) {
    if let byte = UInt8(exactly: value) {
      bytes.append(ErlangTag.smallInteger)
      bytes.append(byte)
    } else if let integer = Int32(exactly: value) {
      bytes.append(ErlangTag.integer)
      bytes.append(bigEndian: integer)
    } else {
      writeBig(value.magnitude, isNegative: value < 0)
    }
  }

  mutating func write(_ value: UInt64) {
    if let value = Int64(exactly: value) {
      write(value)
    } else {
      writeBig(value, isNegative: false)
    }
  }

  mutating func write(_ value: Double) {
    if value.isFinite {
      bytes.append(ErlangTag.newFloat)
      bytes.append(bigEndian: value.bitPattern)
    } else {
      writeAtom(value.isNaN ? "nan" : value > 0 ? "infinity" : "neg_infinity")
    }
  }

  /// In as few bytes as the magnitude needs: Erlang compares terms of other lengths as unequal.
  private mutating func writeBig(_ magnitude: UInt64, isNegative: Bool) {
    let count = (71 - magnitude.leadingZeroBitCount) / 8
    bytes.append(ErlangTag.smallBig)
    bytes.append(UInt8(count))
    bytes.append(isNegative ? 1 : 0)
    for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: magnitude >> (index * 8))) }
  }

  private mutating func writeAtom(_ name: StaticString) {
    bytes.append(ErlangTag.smallAtomUTF8)
    bytes.append(UInt8(name.utf8CodeUnitCount))
    name.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }
}
