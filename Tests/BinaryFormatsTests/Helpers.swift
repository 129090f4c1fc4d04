import BinaryFormats
import Testing

extension BinaryArray {
  /// The elements as Doubles.
  var numbers: [Double] {
    bytes.withUnsafeBytes { bytes in
      (0..<count).map { index in
        func load<T>(_: T.Type) -> T {
          bytes.loadUnaligned(fromByteOffset: index * elementType.width, as: T.self)
        }
        return switch elementType {
        case .float64: load(Double.self)
        case .float32: Double(load(Float.self))
        case .int64: Double(load(Int64.self))
        case .int32: Double(load(Int32.self))
        case .int16: Double(load(Int16.self))
        case .int8: Double(load(Int8.self))
        case .uint64: Double(load(UInt64.self))
        case .uint32: Double(load(UInt32.self))
        case .uint16: Double(load(UInt16.self))
        case .uint8, .bool: Double(load(UInt8.self))
        }
      }
    }
  }
}

/// Expects bytes to be refused with all the words in the message.
func expectRefused(
  _ format: BinaryFormat, _ bytes: [UInt8], _ words: String...,
  description: ArrayDescription = ArrayDescription(), sizeLimit: Int? = nil,
  code: BinaryFormatError.Code = .malformed, sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = #expect(throws: BinaryFormatError.self, sourceLocation: sourceLocation) {
    try format.read(bytes, description, sizeLimit: sizeLimit)
  }
  #expect(error?.code == code, "\(error?.message ?? "")", sourceLocation: sourceLocation)
  for word in words {
    #expect(
      error?.message.contains(word) == true, "\(error?.message ?? "")",
      sourceLocation: sourceLocation)
  }
}

func described(_ type: ElementType, _ shape: [Int]? = nil) -> ArrayDescription {
  ArrayDescription(shape: shape, dataType: DataType(type))
}
