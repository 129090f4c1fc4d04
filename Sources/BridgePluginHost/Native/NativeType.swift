internal import BridgeSessions
internal import CLibffi

/// A C type that a native signature may use.
enum NativeType: Sendable, Equatable {
  case void
  case boolean
  case integer(NumericArray.ElementType)
  case size
  case float
  case double
  case string
  case array(NumericArray.ElementType)

  /// - Returns: nil for a name that is no type.
  init?(_ name: String) {
    if name.hasSuffix("[]") {
      guard let element = Self.element(String(name.dropLast(2))) else { return nil }
      self = .array(element)
      return
    }
    switch name {
    case "void": self = .void
    case "bool": self = .boolean
    case "size_t": self = .size
    case "float": self = .float
    case "double": self = .double
    case "string": self = .string
    default:
      guard let element = Self.element(name), ![.float32, .float64, .bool].contains(element) else {
        return nil
      }
      self = .integer(element)
    }
  }

  private static func element(_ name: String) -> NumericArray.ElementType? {
    switch name {
    case "float": .float32
    case "double": .float64
    default: NumericArray.ElementType(rawValue: name)
    }
  }

  var ffi: UnsafeMutablePointer<ffi_type> {
    switch self {
    case .void: bridge_ffi_type_void()
    case .boolean: bridge_ffi_type_uint8()
    case .size: bridge_ffi_type_uint64()
    case .float: bridge_ffi_type_float()
    case .double: bridge_ffi_type_double()
    case .string, .array: bridge_ffi_type_pointer()
    case .integer(let element):
      switch element {
      case .int8: bridge_ffi_type_sint8()
      case .uint8, .bool: bridge_ffi_type_uint8()
      case .int16: bridge_ffi_type_sint16()
      case .uint16: bridge_ffi_type_uint16()
      case .int32, .float32: bridge_ffi_type_sint32()
      case .uint32: bridge_ffi_type_uint32()
      case .int64, .float64: bridge_ffi_type_sint64()
      case .uint64: bridge_ffi_type_uint64()
      }
    }
  }

  /// The type as a parameter or result of a tool; nil for void.
  var toolType: ValueType? {
    switch self {
    case .void: nil
    case .boolean: .boolean
    case .integer, .size: .integer
    case .float, .double: .float
    case .string: .string
    case .array: .embedding
    }
  }

  /// The whole numbers the type holds, as far as Int64 does.
  var range: ClosedRange<Int64>? {
    switch self {
    case .size: 0...Int64.max
    case .integer(let element):
      switch element {
      case .int8: -128...127
      case .uint8, .bool: 0...255
      case .int16: -32_768...32_767
      case .uint16: 0...65_535
      case .int32: Int64(Int32.min)...Int64(Int32.max)
      case .uint32: 0...Int64(UInt32.max)
      case .uint64: 0...Int64.max
      case .int64, .float32, .float64: nil
      }
    default: nil
    }
  }
}
