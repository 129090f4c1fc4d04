/// The type of the elements of an array of numbers, under its name on the wire.
public enum ElementType: String, Sendable, CaseIterable {
  case float64, float32
  case int64, int32, int16, int8
  case uint64, uint32, uint16, uint8
  case bool

  /// Bytes an element.
  public var width: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  var isFloatingPoint: Bool { self == .float64 || self == .float32 }
}
