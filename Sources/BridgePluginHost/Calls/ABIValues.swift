internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Glibc

// Between the ABI's values and ours.

extension bridge_str {
  /// A copy of the bytes; nil when the view points nowhere.
  var bytes: [UInt8]? {
    if length == 0 { return [] }
    guard let data else { return nil }
    return Array(UnsafeRawBufferPointer(start: data, count: length))
  }

  /// A copy of the text; nil when it is not UTF-8.
  var string: String? {
    if length == 0 { return "" }
    guard let data, length > 0 else { return nil }
    // What is not UTF-8 is repaired, and is not the same any more. `String(validating:as:)` takes twenty
    // times as long for short texts.
    var text = String(
      decoding: UnsafeRawBufferPointer(start: data, count: length), as: UTF8.self)
    return isEqual(&text) ? text : nil
  }

  /// Whether it is this text.
  func isEqual(_ text: String) -> Bool {
    var text = text
    return length == text.utf8.count && isEqual(&text)
  }

  private func isEqual(_ text: inout String) -> Bool {
    text.withUTF8 { bytes in
      guard bytes.count == length else { return false }
      guard let data, let start = bytes.baseAddress else { return length == 0 }
      return memcmp(start, data, length) == 0
    }
  }
}

extension ValueType {
  /// The types by their numbers in the ABI; some numbers are no type of a variable.
  private static let byNumber: [ValueType?] = allCases.reduce(into: []) { table, type in
    let number = Int(type.abi)
    while table.count <= number { table.append(nil) }
    table[number] = type
  }

  /// - Returns: nil for what is not the type of a variable.
  init?(abi: bridge_type) {
    guard abi < Self.byNumber.count, let type = Self.byNumber[Int(abi)] else { return nil }
    self = type
  }

  var abi: bridge_type {
    let type =
      switch self {
      case .float: BRIDGE_TYPE_FLOAT
      case .integer: BRIDGE_TYPE_INTEGER
      case .string: BRIDGE_TYPE_STRING
      case .boolean: BRIDGE_TYPE_BOOLEAN
      case .choice: BRIDGE_TYPE_CHOICE
      case .module: BRIDGE_TYPE_MODULE
      case .embedding: BRIDGE_TYPE_EMBEDDING
      case .tensor: BRIDGE_TYPE_TENSOR
      }
    return bridge_type(type)
  }
}

extension ToolType {
  init?(abi: bridge_type) {
    switch Int(abi) {
    case Int(BRIDGE_TYPE_OBJECT): self = .object
    case Int(BRIDGE_TYPE_ARRAY): self = .array
    case Int(BRIDGE_TYPE_BYTES): self = .bytes
    case Int(BRIDGE_TYPE_ANY): self = .any
    default:
      guard let type = ValueType(abi: abi) else { return nil }
      self = .value(type)
    }
  }

  var abi: bridge_type {
    switch self {
    case .value(let type): type.abi
    case .object: bridge_type(BRIDGE_TYPE_OBJECT)
    case .array: bridge_type(BRIDGE_TYPE_ARRAY)
    case .bytes: bridge_type(BRIDGE_TYPE_BYTES)
    case .any: bridge_type(BRIDGE_TYPE_ANY)
    }
  }
}

extension NumericArray.ElementType {
  private static let abiOrder: [NumericArray.ElementType] = [
    .float64, .float32, .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool,
  ]

  init?(abi: bridge_element) {
    guard abi >= 1, abi <= Self.abiOrder.count else { return nil }
    self = Self.abiOrder[Int(abi) - 1]
  }

  var abi: bridge_element { bridge_element(Self.abiOrder.firstIndex(of: self)! + 1) }
}

extension ToolValue {
  /// Copies a value out of a plugin.
  ///
  /// - Throws: `SessionError` for a type, a view or a shape that makes no sense.
  init(copying view: UnsafePointer<bridge_value>?) throws {
    let view = try Self.checked(view)
    let type = view.pointee.type
    switch Int(type) {
    case Int(BRIDGE_TYPE_NULL): self = .null
    case Int(BRIDGE_TYPE_BYTES): self = .bytes(try Self.bytes(view.pointee.as.text))
    case Int(BRIDGE_TYPE_OBJECT), Int(BRIDGE_TYPE_ARRAY), Int(BRIDGE_TYPE_ANY):
      let type = ToolType(abi: type)!
      self = .json(try CheckedJSON.check(try Self.bytes(view.pointee.as.text), is: type), type)
    default:
      guard let type = ValueType(abi: type) else {
        throw SessionError(.invalidArgument, "the value has the unknown type \(type)")
      }
      self = .value(try Self.value(view, type), type)
    }
  }

  /// Takes a value that a plugin gives away. What is bytes, JSON or numbers is not copied.
  ///
  /// - Parameter owner: Of what the value points to.
  /// - Throws: As `init(copying:)`.
  init(donated view: UnsafePointer<bridge_value>?, by owner: PluginMemory) throws {
    let view = try Self.checked(view)
    let memory: UnsafeRawBufferPointer
    let content: DonatedValue.Content
    let type = ToolType(abi: view.pointee.type)
    switch type {
    case .bytes:
      content = .bytes
      memory = try Self.memory(view.pointee.as.text)
    case .object?, .array?, .any?:
      let type = type!
      content = .json(type)
      memory = try Self.memory(view.pointee.as.text)
      if let text = try CheckedJSON.open(memory, as: type) {
        self = .json(text, type)
        return
      }
    case .value(.embedding), .value(.tensor):
      let type = ValueType(abi: view.pointee.type)!
      let numbers = view.pointee.as.numbers
      let (shape, element) = try Self.shape(numbers, type)
      content = .numbers(type, shape: shape, element)
      memory = UnsafeRawBufferPointer(
        start: numbers.data, count: Int(numbers.count) * element.width)
    default:
      self = try ToolValue(copying: view)
      return
    }
    self = .donated(DonatedValue(content, owner.blob(memory)))
  }

  private static func checked(
    _ view: UnsafePointer<bridge_value>?
  ) throws -> UnsafePointer<bridge_value> {
    guard let view else { throw SessionError(.invalidArgument, "the value is NULL") }
    guard view.pointee.reserved == 0 else {
      throw SessionError(.invalidArgument, "the value's reserved field is not 0")
    }
    return view
  }

  private static func memory(_ text: bridge_str) throws -> UnsafeRawBufferPointer {
    guard text.length == 0 || (text.data != nil && text.length > 0) else {
      throw SessionError(.invalidArgument, "a text of \(text.length) bytes has no data")
    }
    return UnsafeRawBufferPointer(start: text.data, count: text.length)
  }

  private static func bytes(_ text: bridge_str) throws -> [UInt8] {
    guard let bytes = text.bytes else {
      throw SessionError(.invalidArgument, "a text of \(text.length) bytes has no data")
    }
    return bytes
  }

  private static func value(
    _ view: UnsafePointer<bridge_value>, _ type: ValueType
  ) throws -> Value {
    switch type {
    case .float: return .float(view.pointee.as.number)
    case .integer: return .integer(view.pointee.as.integer)
    case .boolean:
      guard view.pointee.as.boolean <= 1 else {
        throw SessionError(
          .invalidArgument, "a boolean is 0 or 1, not \(view.pointee.as.boolean)")
      }
      return .boolean(view.pointee.as.boolean == 1)
    case .string, .choice, .module:
      guard let text = view.pointee.as.text.string else {
        throw SessionError(.invalidArgument, "a string is not UTF-8")
      }
      return .string(text)
    case .embedding, .tensor: return .array(try array(view.pointee.as.numbers, type))
    }
  }

  private static func array(_ numbers: bridge_numbers, _ type: ValueType) throws -> NumericArray {
    let (shape, element) = try shape(numbers, type)
    let byteCount = Int(numbers.count) * element.width
    let bytes = numbers.data.map { Array(UnsafeRawBufferPointer(start: $0, count: byteCount)) }
    return NumericArray(shape: shape, elementType: element, bytes: bytes ?? [])
  }

  /// The shape and the type of numbers whose memory is all there.
  private static func shape(
    _ numbers: bridge_numbers, _ type: ValueType
  ) throws -> (shape: [Int], element: NumericArray.ElementType) {
    guard let element = NumericArray.ElementType(abi: numbers.element) else {
      throw SessionError(.invalidArgument, "unknown element type \(numbers.element)")
    }
    guard numbers.count == 0 || numbers.data != nil, numbers.count <= 1 << 40 else {
      throw SessionError(.invalidArgument, "\(numbers.count) numbers have no data")
    }
    guard numbers.rank <= 32 else {
      throw SessionError(.invalidArgument, "\(numbers.rank) dimensions; at most 32 are taken")
    }
    var shape = [Int(numbers.count)]
    if let lengths = numbers.shape {
      shape = try (0..<Int(numbers.rank)).map { index in
        guard let length = Int(exactly: lengths[index]) else {
          throw SessionError(.invalidArgument, "a dimension of \(lengths[index]) is too large")
        }
        return length
      }
    } else if numbers.rank == 0 && type == .tensor {
      shape = []
    }
    var product = 1
    for length in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: length)
      product = overflow ? -1 : next
      if overflow { break }
    }
    guard product == numbers.count, type == .tensor || shape.count == 1 else {
      throw SessionError(
        .invalidArgument,
        "shape \(shape) does not fit \(numbers.count) elements of type "
          + type.rawValue)
    }
    return (shape, element)
  }
}
