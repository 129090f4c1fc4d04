/// The type of elements as they lie in bytes that came from outside.
///
/// Wider than `ElementType`: it has a byte order, and half-precision floats, which are read as
/// float32.
public struct DataType: Sendable, Hashable {
  /// What an element is, whatever the order of its bytes.
  public enum Scalar: Sendable, Hashable {
    case element(ElementType)
    case float16
    case bfloat16
  }

  /// What an element is.
  public let scalar: Scalar
  /// Whether the most significant byte comes first.
  public let isBigEndian: Bool

  /// An element in little-endian order.
  public init(_ element: ElementType) { self.init(.element(element), isBigEndian: false) }

  init(_ scalar: Scalar, isBigEndian: Bool) {
    self.scalar = scalar
    self.isBigEndian = isBigEndian
  }

  /// Reads a dtype as clients name it: `float32`, or as numpy abbreviates it: `<f4`, `>i8`, `|b1`.
  ///
  /// - Returns: nil for a type that is not read.
  public init?(_ name: String) {
    // As with `BinaryFormat`.
    guard name.utf8.count <= 16 else { return nil }
    if let element = ElementType(rawValue: name) {
      self.init(element)
    } else if name == "float16" {
      self.init(.float16, isBigEndian: false)
    } else if name == "bfloat16" {
      self.init(.bfloat16, isBigEndian: false)
    } else if let order = name.first, "<>=|".contains(order),
      let scalar = Self.abbreviations[name.dropFirst()]
    {
      self.init(scalar, isBigEndian: order == ">")
    } else {
      return nil
    }
  }

  private static let abbreviations: [Substring: Scalar] = [
    "f8": .element(.float64), "f4": .element(.float32), "f2": .float16, "b1": .element(.bool),
    "i8": .element(.int64), "i4": .element(.int32), "i2": .element(.int16),
    "i1": .element(.int8), "u8": .element(.uint64), "u4": .element(.uint32),
    "u2": .element(.uint16), "u1": .element(.uint8),
  ]

  /// The names of all types that are read, for error messages.
  public static let names =
    (ElementType.allCases.map(\.rawValue) + ["float16", "bfloat16"]).joined(separator: ", ")

  /// Bytes an element.
  public var width: Int {
    switch scalar {
    case .element(let type): type.width
    case .float16, .bfloat16: 2
    }
  }

  /// What the elements are once they are read.
  public var element: ElementType {
    switch scalar {
    case .element(let type): type
    case .float16, .bfloat16: .float32
    }
  }

  /// Brings elements into little-endian order and into the form of `element`. Where they are in it
  /// already, the bytes are answered without a copy.
  ///
  /// - Precondition: `bytes` holds whole elements.
  func normalized(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    if isBigEndian { swap(&bytes) }
    switch scalar {
    case .float16: return Self.widened(bytes) { Float(Float16(bitPattern: $0)) }
    case .bfloat16: return Self.widened(bytes) { Float(bitPattern: UInt32($0) << 16) }
    case .element(.bool):
      if let index = bytes.firstIndex(where: { $0 > 1 }) {
        for index in index..<bytes.count where bytes[index] > 1 { bytes[index] = 1 }
      }
    case .element: break
    }
    return bytes
  }

  private func swap(_ bytes: inout [UInt8]) {
    func swap<T: FixedWidthInteger>(_: T.Type) {
      bytes.withUnsafeMutableBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<T>.size) {
          let value = bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
          bytes.storeBytes(of: value.byteSwapped, toByteOffset: offset, as: T.self)
        }
      }
    }
    switch width {
    case 8: swap(UInt64.self)
    case 4: swap(UInt32.self)
    case 2: swap(UInt16.self)
    default: break
    }
  }

  private static func widened(_ bytes: [UInt8], _ convert: (UInt16) -> Float) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: bytes.count * 2) { wide, count in
      bytes.withUnsafeBytes { bytes in
        let wide = UnsafeMutableRawBufferPointer(wide)
        for index in 0..<bytes.count / 2 {
          let half = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
          wide.storeBytes(of: convert(half), toByteOffset: index * 4, as: Float.self)
        }
      }
      count = bytes.count * 2
    }
  }
}
