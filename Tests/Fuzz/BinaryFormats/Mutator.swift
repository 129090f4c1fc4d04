/// Makes inputs that are wrong in the way of accidents and attacks.
public struct Mutator {
  private let samples: [[UInt8]]
  public var random: RandomBits

  public init(seed: UInt64) {
    var random = RandomBits(seed: seed)
    samples = Samples.all(using: &random)
    self.random = random
  }

  /// The next input: a sample after a few mutations.
  public mutating func next() -> [UInt8] {
    var bytes = samples.randomElement(using: &random)!
    for _ in 0..<Int.random(in: 0...5, using: &random) { mutate(&bytes) }
    if Int.random(in: 0..<16, using: &random) == 0, bytes.count < 65_535 {
      bytes = Samples.compressed(Array(bytes.dropFirst()))
    }
    return bytes
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = samples.randomElement(using: &random)!
      return
    }
    let index = bytes.indices.randomElement(using: &random)!
    switch Int.random(in: 0..<10, using: &random) {
    case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[index] = .random(in: .min ... .max, using: &random)
    case 2: bytes[index] = interestingByte()
    case 3: bytes.insert(interestingByte(), at: index)
    case 4: bytes.removeSubrange(index...)
    case 5: bytes.removeSubrange(range(from: index, in: bytes))
    case 6: bytes.insert(contentsOf: bytes[range(from: index, in: bytes)], at: index)
    case 7: overwriteLength(&bytes, at: index)
    case 8:
      let other = samples.randomElement(using: &random)!
      bytes = bytes[..<index] + other.suffix(Int.random(in: 0...other.count, using: &random))
    default:
      let count = Int.random(in: 1...64, using: &random)
      bytes.insert(contentsOf: repeatElement(bytes[index], count: count), at: index)
    }
  }

  private mutating func range(from index: Int, in bytes: [UInt8]) -> Range<Int> {
    index..<min(bytes.count, index + Int.random(in: 1...16, using: &random))
  }

  /// Tags, opcodes and the bounds of numbers.
  private mutating func interestingByte() -> UInt8 {
    let bytes: [UInt8] = [
      0, 1, 0x7F, 0x80, 0xFF, 70, 80, 97, 98, 99, 100, 104, 105, 106, 107, 108, 109, 110, 111, 115,
      116, 118, 119, 131, 0x28, 0x29, 0x2E, 0x30, 0x31, 0x32, 0x46, 0x47, 0x49, 0x4A, 0x4B, 0x4C,
      0x4D, 0x4E, 0x52, 0x5D, 0x63, 0x65, 0x71, 0x72, 0x74, 0x85, 0x86, 0x87, 0x88, 0x8A, 0x8B,
      0x93, 0x94, 0x95, 0x27, 0x2C, 0x3A, 0x7B, 0x7D,
    ]
    return bytes.randomElement(using: &random)!
  }

  private mutating func overwriteLength(_ bytes: inout [UInt8], at index: Int) {
    let lengths: [UInt32] = [
      0, 1, 0xFF, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, UInt32(bytes.count),
    ]
    let length = lengths.randomElement(using: &random)!
    let text = Bool.random(using: &random) ? length.bigEndian : length.littleEndian
    withUnsafeBytes(of: text) { text in
      for (offset, byte) in text.enumerated() where index + offset < bytes.count {
        bytes[index + offset] = byte
      }
    }
  }
}
