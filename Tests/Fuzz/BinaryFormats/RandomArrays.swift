public import BinaryFormats

extension BinaryArray {
  /// An array of a few elements: any type, any shape, any bits.
  public static func random(using random: inout RandomBits) -> BinaryArray {
    let type = ElementType.allCases.randomElement(using: &random)!
    return Self.random(type, using: &random)
  }

  public static func random(_ type: ElementType, using random: inout RandomBits) -> BinaryArray {
    let rank = Int.random(in: 0...4, using: &random)
    let longest = rank <= 1 ? 40 : 4
    let shape = (0..<rank).map { _ in
      Int.random(in: 0..<20, using: &random) == 0 ? 0 : Int.random(in: 1...longest, using: &random)
    }
    let count = shape.reduce(1, *)
    let isSmall = Bool.random(using: &random)
    var bytes: [UInt8] = []
    for _ in 0..<count {
      switch type {
      case .bool: bytes.append(UInt8.random(in: 0...1, using: &random))
      case .float64 where isSmall:
        append(Double(Int.random(in: -9...9, using: &random)) / 4, to: &bytes)
      case .float32 where isSmall:
        append(Float(Int.random(in: -9...9, using: &random)) / 4, to: &bytes)
      case .int64 where isSmall:
        append(Int64.random(in: -70_000...70_000, using: &random), to: &bytes)
      default:
        for _ in 0..<type.width { bytes.append(.random(in: .min ... .max, using: &random)) }
      }
    }
    return BinaryArray(
      shape: shape, elementType: type, bytes: bytes, isNested: Bool.random(using: &random))
  }

  private static func append<T>(_ value: T, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }

  /// Whether shape, type and elements are the same; NaNs of all bits are.
  public func isSame(as other: BinaryArray) -> Bool {
    guard shape == other.shape, elementType == other.elementType else { return false }
    if bytes == other.bytes { return true }
    return (0..<count).allSatisfy { index in
      let range = index * elementType.width..<(index + 1) * elementType.width
      return bytes[range] == other.bytes[range] || isNaN(index) && other.isNaN(index)
    }
  }

  private func isNaN(_ index: Int) -> Bool {
    bytes.withUnsafeBytes { bytes in
      switch elementType {
      case .float64: bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self).isNaN
      case .float32: bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self).isNaN
      default: false
      }
    }
  }
}
