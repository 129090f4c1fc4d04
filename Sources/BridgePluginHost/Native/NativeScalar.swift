internal import BridgeSessions
internal import CLibffi
internal import JSON

/// A number or a truth value of C, and how it lies in memory.
enum NativeScalar: Sendable, Equatable {
  case boolean
  /// A whole number of a width.
  case integer(NumericArray.ElementType)
  case size
  case float
  case double

  /// - Returns: nil for a name that is none.
  init?(_ name: String) {
    switch name {
    case "bool": self = .boolean
    case "size_t": self = .size
    case "float": self = .float
    case "double": self = .double
    default:
      guard let type = NumericArray.ElementType(rawValue: name),
        ![.float32, .float64, .bool].contains(type)
      else { return nil }
      self = .integer(type)
    }
  }

  /// An element of an array.
  init(_ element: NumericArray.ElementType) {
    switch element {
    case .float32: self = .float
    case .float64: self = .double
    case .bool: self = .boolean
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: self = .integer(element)
    }
  }

  /// Bytes, which are its alignment, too.
  var width: Int {
    switch self {
    case .boolean: 1
    case .integer(let type): type.width
    case .size, .double: 8
    case .float: 4
    }
  }

  var ffi: UnsafeMutablePointer<ffi_type> {
    switch self {
    case .boolean: bridge_ffi_type_uint8()
    case .size: bridge_ffi_type_uint64()
    case .float: bridge_ffi_type_float()
    case .double: bridge_ffi_type_double()
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

  /// The type as a parameter or result of a tool.
  var toolType: ValueType {
    switch self {
    case .boolean: .boolean
    case .integer, .size: .integer
    case .float, .double: .float
    }
  }

  /// The whole numbers the type holds, as far as Int64 does; nil for all of them, and for what is none.
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

  /// A JSON Schema of the values it takes.
  var schema: JSON {
    switch self {
    case .boolean: return .object([JSON.Member(key: "type", value: .string("boolean"))])
    case .float, .double: return .object([JSON.Member(key: "type", value: .string("number"))])
    case .integer, .size:
      var members = [JSON.Member(key: "type", value: .string("integer"))]
      if let range {
        members.append(JSON.Member(key: "minimum", value: .integer(range.lowerBound)))
        members.append(JSON.Member(key: "maximum", value: .integer(range.upperBound)))
      }
      return .object(members)
    }
  }

  // MARK: Memory

  /// Writes a value of `toolType`; a whole number may stand for a fraction.
  ///
  /// - Throws: `SessionError` where the type does not hold it.
  func store(_ value: Value, to memory: UnsafeMutableRawPointer) throws {
    switch (self, value) {
    case (.boolean, .boolean(let flag)): memory.storeBytes(of: flag ? 1 : 0, as: UInt8.self)
    case (.integer, .integer(let number)), (.size, .integer(let number)):
      if let range, !range.contains(number) { throw notHeld("\(number)") }
      // Little-endian: narrower types are the low bytes.
      withUnsafeBytes(of: number.littleEndian) {
        memory.copyMemory(from: $0.baseAddress!, byteCount: width)
      }
    case (.double, .float(let number)): memory.storeBytes(of: number, as: Double.self)
    case (.float, .float(let number)):
      guard let float = ExactNumber.float(number).float else { throw notHeld("\(number)") }
      memory.storeBytes(of: float, as: Float.self)
    case (.double, .integer(let number)), (.float, .integer(let number)):
      guard let double = Double(exactly: number) else { throw notHeld("\(number)") }
      try store(.float(double), to: memory)
    default: throw SessionError(.invalidValue, "expected \(toolType.rawValue)")
    }
  }

  private func notHeld(_ number: String) -> SessionError {
    SessionError(.invalidValue, "\(number) is no \(name)")
  }

  /// As manifests write it.
  var name: String {
    switch self {
    case .boolean: "bool"
    case .integer(let type): type.rawValue
    case .size: "size_t"
    case .float: "float"
    case .double: "double"
    }
  }

  /// Reads a value.
  ///
  /// - Returns: nil for a whole number above Int64's.
  func load(from memory: UnsafeRawPointer) -> Value? {
    switch self {
    case .boolean: return .boolean(memory.load(as: UInt8.self) != 0)
    case .double: return .float(memory.loadUnaligned(as: Double.self))
    case .float: return .float(Double(memory.loadUnaligned(as: Float.self)))
    case .size: return unsigned(memory.loadUnaligned(as: UInt64.self))
    case .integer(let type):
      switch type {
      case .int8: return .integer(Int64(memory.load(as: Int8.self)))
      case .uint8, .bool: return .integer(Int64(memory.load(as: UInt8.self)))
      case .int16: return .integer(Int64(memory.loadUnaligned(as: Int16.self)))
      case .uint16: return .integer(Int64(memory.loadUnaligned(as: UInt16.self)))
      case .int32: return .integer(Int64(memory.loadUnaligned(as: Int32.self)))
      case .uint32: return .integer(Int64(memory.loadUnaligned(as: UInt32.self)))
      case .uint64: return unsigned(memory.loadUnaligned(as: UInt64.self))
      case .int64, .float32, .float64: return .integer(memory.loadUnaligned(as: Int64.self))
      }
    }
  }

  private func unsigned(_ number: UInt64) -> Value? { Int64(exactly: number).map { .integer($0) } }
}
