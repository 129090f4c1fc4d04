internal import BridgeSessions
internal import BridgeTools

// Each kind of value is written and read in one place, side by side.

extension FrameWriter {
  mutating func write(_ type: ValueType) { write(place: type) }

  mutating func write(_ type: ToolType) {
    switch type {
    case .value(let type):
      write(UInt8(0))
      write(type)
    case .object: write(UInt8(1))
    case .array: write(UInt8(2))
    case .bytes: write(UInt8(3))
    case .any: write(UInt8(4))
    }
  }

  mutating func write(_ value: Value) {
    switch value {
    case .float(let number):
      write(UInt8(0))
      write(number)
    case .integer(let number):
      write(UInt8(1))
      write(number)
    case .boolean(let flag):
      write(UInt8(2))
      write(flag)
    case .string(let text):
      write(UInt8(3))
      write(text)
    case .array(let array):
      write(UInt8(4))
      write(shape: array.shape, array.elementType)
      write(array.isNested)
      write(payload: array.bytes)
    }
  }

  mutating func write(_ value: ToolValue) {
    switch value {
    case .null: write(UInt8(0))
    case .value(let value, let type):
      write(UInt8(1))
      write(type)
      write(value)
    case .json(let text, let type):
      write(UInt8(2))
      write(type)
      write(payload: text)
    case .bytes(let bytes):
      write(UInt8(3))
      write(payload: bytes)
    case .donated(let donated): write(donated)
    }
  }

  private mutating func write(_ value: DonatedValue) {
    switch value.content {
    case .json(let type):
      write(UInt8(2))
      write(type)
    case .bytes: write(UInt8(3))
    case .numbers(let type, let shape, let element):
      write(UInt8(1))
      write(type)
      write(UInt8(4))
      write(shape: shape, element)
      write(false)
    }
    write(payload: value.memory)
  }

  private mutating func write(shape: [Int], _ element: NumericArray.ElementType) {
    write(place: element)
    write(list: shape) { $0.write(Int64($1)) }
  }

  mutating func write(_ metadata: VariableMetadata) {
    write(list: metadata.entries) { writer, entry in
      writer.write(entry.key)
      writer.write(entry.value)
    }
  }

  /// Writes which of its type's cases a value is.
  mutating func write<Value: CaseIterable & Equatable>(place value: Value) {
    write(UInt8(Array(Value.allCases).firstIndex(of: value)!))
  }
}

extension FrameReader {
  mutating func valueType() throws(MalformedFrame) -> ValueType {
    try one(of: ValueType.allCases)
  }

  mutating func toolType() throws(MalformedFrame) -> ToolType {
    switch try number(UInt8.self) {
    case 0: .value(try valueType())
    case 1: .object
    case 2: .array
    case 3: .bytes
    case 4: .any
    case let other: throw MalformedFrame("there is no type \(other)")
    }
  }

  mutating func value() throws(MalformedFrame) -> Value {
    switch try number(UInt8.self) {
    case 0: return .float(try double())
    case 1: return .integer(try number())
    case 2: return .boolean(try flag())
    case 3: return .string(try text())
    case 4:
      let numbers = try numbers()
      return .array(
        NumericArray(
          shape: numbers.shape, elementType: numbers.element, bytes: numbers.payload.bytes,
          isNested: numbers.isNested))
    case let other: throw MalformedFrame("there is no value \(other)")
    }
  }

  /// A value for a tool, or of one; what is beside the frame stays there.
  mutating func toolValue() throws(MalformedFrame) -> ToolValue {
    switch try number(UInt8.self) {
    case 0: return .null
    case 1: return try typedValue()
    case 2:
      let type = try toolType()
      switch try payload() {
      case .bytes(let text): return .json(text, type)
      case .shared(let blob): return .donated(DonatedValue(.json(type), blob))
      }
    case 3:
      switch try payload() {
      case .bytes(let bytes): return .bytes(bytes)
      case .shared(let blob): return .donated(DonatedValue(.bytes, blob))
      }
    case let other: throw MalformedFrame("there is no tool's value \(other)")
    }
  }

  private mutating func typedValue() throws(MalformedFrame) -> ToolValue {
    let type = try valueType()
    var ahead = self
    guard try ahead.number(UInt8.self) == 4 else {
      let value = try value()
      guard value.isOne(of: type) else {
        throw MalformedFrame("a value is not of the type \(type.rawValue)")
      }
      return .value(value, type)
    }
    self = ahead
    let numbers = try numbers()
    guard type == .tensor || (type == .embedding && numbers.shape.count == 1) else {
      throw MalformedFrame("numbers are no \(type.rawValue)")
    }
    switch numbers.payload {
    case .bytes(let bytes):
      return .value(
        .array(
          NumericArray(
            shape: numbers.shape, elementType: numbers.element, bytes: bytes,
            isNested: numbers.isNested)), type)
    case .shared(let blob):
      return .donated(DonatedValue(.numbers(type, shape: numbers.shape, numbers.element), blob))
    }
  }

  private typealias Numbers = (
    shape: [Int], element: NumericArray.ElementType, isNested: Bool, payload: Payload
  )

  private mutating func numbers() throws(MalformedFrame) -> Numbers {
    let element = try one(of: NumericArray.ElementType.allCases)
    let rank = Int(try number(UInt32.self))
    guard rank <= 64 else { throw MalformedFrame("numbers have \(rank) dimensions") }
    var shape: [Int] = []
    var size = element.width
    for _ in 0..<rank {
      let length = try number(Int64.self)
      let (product, overflow) = size.multipliedReportingOverflow(by: Int(length))
      guard length >= 0, !overflow else { throw MalformedFrame("numbers have no such shape") }
      size = product
      shape.append(Int(length))
    }
    let isNested = try flag()
    let payload = try payload()
    guard payload.count == size else {
      throw MalformedFrame("\(payload.count) bytes do not have the shape they come with")
    }
    return (shape, element, isNested, payload)
  }

  mutating func metadata() throws -> VariableMetadata {
    VariableMetadata(lastOf: try list { (key: try $0.text(), value: try $0.text()) })
  }

  /// One of a type's cases, by its place.
  mutating func place<Value: CaseIterable>(
    of _: Value.Type = Value.self
  ) throws(MalformedFrame) -> Value {
    try one(of: Array(Value.allCases))
  }
}

extension Value {
  fileprivate func isOne(of type: ValueType) -> Bool {
    switch (self, type) {
    case (.float, .float), (.integer, .integer), (.boolean, .boolean), (.array, .tensor),
      (.array, .embedding):
      true
    case (.string, let type): type.isText
    default: false
    }
  }
}
