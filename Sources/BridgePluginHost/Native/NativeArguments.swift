internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// Puts the arguments of a tool's call where a C function finds them.
struct NativeArguments {
  private let signature: NativeSignature
  private let call: ToolCall
  private let frame: NativeFrame
  private var values: [ToolValue?] = []
  /// The callbacks of this call, which the library may use until it is over.
  private(set) var closures: [NativeCallback.Closure] = []

  init(_ signature: NativeSignature, _ call: ToolCall, _ frame: NativeFrame) throws {
    self.signature = signature
    self.call = call
    self.frame = frame
    values = try signature.parameters.map { try Self.value(of: $0, call) }
  }

  /// What a parameter gets; nil for a null pointer, and for what the host fills in.
  private static func value(
    of parameter: NativeSignature.Parameter, _ call: ToolCall
  ) throws -> ToolValue? {
    switch parameter.source {
    case .length, .dimension: return nil
    case .constant(let value):
      guard let value else { return nil }
      if case .scalar(let scalar) = parameter.type { return .value(value, scalar.toolType) }
      return .value(value, .string)
    case .variable(let name):
      let variable = try call.services.get(name)
      let value = ToolValue.value(variable.value, variable.type)
      guard case .value(let type)? = parameter.type.toolType(isTensor: parameter.isTensor) else {
        // A struct: the variable holds JSON.
        if case .string(let text) = variable.value {
          return .json(try CheckedJSON.check(Array(text.utf8), is: .object), .object)
        }
        throw SessionError(.invalidValue, "variable \(name) is no JSON object")
      }
      if case .value(.array, _) = value, type.isArray { return value }
      return .value(try value.converted(to: type), type)
    case .argument:
      guard parameter.direction != .out else { return nil }
      return call.arguments[parameter.name]
    }
  }

  /// The handles that it uses, each with the place of its parameter.
  func handles() throws -> [(place: Int, id: String, type: NativeHandleType)] {
    try signature.parameters.indices.compactMap { index in
      guard case .handle(let type) = signature.parameters[index].type,
        signature.parameters[index].direction == .in, let value = values[index]
      else { return nil }
      guard case .value(.string(let id), _) = value else {
        throw wrong(index, "expected a handle's name")
      }
      return (index, id, type)
    }
  }

  /// Writes all arguments but handles.
  mutating func store() throws {
    for index in signature.parameters.indices { try store(index) }
    for index in signature.parameters.indices {
      if let capacity = signature.parameters[index].capacity { try makeRoom(capacity, at: index) }
    }
    for (index, parameter) in signature.parameters.enumerated() {
      switch parameter.source {
      case .length(let target):
        try storeCount(frame.region(target)?.count ?? 0, of: target, at: index)
      case .dimension(let target, let axis):
        let shape = frame.region(target)?.shape ?? []
        guard axis < shape.count else {
          throw wrong(
            target, "it has \(shape.count) dimensions, and the function takes more than \(axis)")
        }
        try storeCount(shape[axis], of: target, at: index)
      case .argument, .constant, .variable: break
      }
    }
  }

  private func wrong(_ index: Int, _ words: String) -> SessionError {
    SessionError(.invalidValue, "parameter \(signature.parameters[index].name): \(words)")
  }

  private mutating func store(_ index: Int) throws {
    let parameter = signature.parameters[index]
    let value = values[index]
    switch parameter.type {
    case .void: break
    case .scalar(let scalar):
      // A pointer to what the function writes, or the number itself.
      let memory = parameter.direction == .in ? frame.slot(index) : frame.makeCell(8, at: index)
      guard case .value(let number, _)? = value else {
        if parameter.isTools { throw wrong(index, "it is missing") }
        return
      }
      do {
        try scalar.store(number, to: memory)
      } catch {
        throw wrong(index, "\(error)")
      }
    case .string where parameter.direction == .out, .handle where parameter.direction == .out:
      _ = frame.makeCell(8, at: index)
    case .bytes where parameter.direction == .out, .array where parameter.direction == .out:
      // Without room of the host's, the function makes it.
      if parameter.capacity == nil { _ = frame.makeCell(8, at: index) }
    case .string: try storeText(value, at: index)
    case .bytes: try storeBytes(value, at: index)
    case .array(let element): try storeArray(value, element, at: index)
    case .structure(let structure):
      let memory = frame.allocate(structure.size)
      frame.arguments[index] = memory
      try store(value, structure, to: memory, at: index)
    case .structurePointer(let structure):
      if value == nil && parameter.direction == .in { return try missing(index) }
      let memory = frame.makeCell(structure.size, at: index)
      if parameter.direction != .out { try store(value, structure, to: memory, at: index) }
    case .handle: if value == nil { try missing(index) }
    case .callback(let callback): try store(callback, value, at: index)
    }
  }

  /// A pointer for which there is nothing.
  private func missing(_ index: Int) throws {
    if case .constant(nil) = signature.parameters[index].source { return }
    guard signature.parameters[index].isNullable else { throw wrong(index, "it is missing") }
  }

  private func store(
    _ value: ToolValue?, _ structure: NativeStruct, to memory: UnsafeMutableRawPointer,
    at index: Int
  ) throws {
    guard case .json(let text, _)? = value?.owned else { throw wrong(index, "expected an object") }
    do {
      try structure.store(try JSON(parsing: text), to: memory)
    } catch {
      throw wrong(index, "\(error)")
    }
  }

  private func storeText(_ value: ToolValue?, at index: Int) throws {
    guard case .value(.string(let text), _)? = value else { return try missing(index) }
    let bytes = Array(text.utf8)
    guard !bytes.contains(0) else {
      throw SessionError(
        .invalidValue, "parameter \(signature.parameters[index].name) has a NUL in it")
    }
    let memory = frame.allocate(bytes.count + 1)
    memory.copyMemory(from: bytes, byteCount: bytes.count)
    frame.store(pointer: memory, at: index)
  }

  private func storeBytes(_ value: ToolValue?, at index: Int) throws {
    if case .donated(let donated)? = value, case .bytes = donated.content,
      let memory = constant(donated, at: index)
    {
      return frame.setRegion(
        NativeFrame.Region(memory: memory, count: donated.memory.count), of: index)
    }
    guard case .bytes(let bytes)? = value?.owned else { return try missing(index) }
    frame.setRegion(
      NativeFrame.Region(memory: memory(of: bytes, at: index), count: bytes.count), of: index)
  }

  private func storeArray(
    _ value: ToolValue?, _ element: NumericArray.ElementType, at index: Int
  ) throws {
    if case .donated(let donated)? = value, case .numbers(_, let shape, element) = donated.content,
      let memory = constant(donated, at: index)
    {
      return frame.setRegion(
        NativeFrame.Region(memory: memory, count: shape.reduce(1, *), shape: shape), of: index)
    }
    guard case .value(.array(let array), _)? = value?.owned else { return try missing(index) }
    let memory: UnsafeMutableRawPointer
    if array.elementType == element {
      memory = self.memory(of: array.bytes, at: index)
    } else {
      memory = frame.allocate(array.count * element.width)
      do {
        try Self.copy(array, as: element, to: memory)
      } catch {
        throw wrong(index, "element: \(error)")
      }
    }
    frame.setRegion(
      NativeFrame.Region(memory: memory, count: array.count, shape: array.shape), of: index)
  }

  /// Donated memory as it is, where the function does not write to it.
  private func constant(_ donated: DonatedValue, at index: Int) -> UnsafeMutableRawPointer? {
    guard signature.parameters[index].isConstant else { return nil }
    frame.keep(donated)
    // The memory stays where it is for as long as the value lives.
    return donated.memory.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
  }

  /// Bytes as they are, where the function does not write to them; a copy else, so that it changes nobody's.
  private func memory(of bytes: [UInt8], at index: Int) -> UnsafeMutableRawPointer {
    if signature.parameters[index].isConstant {
      let constant = NativeBytes(bytes)
      frame.keep(constant)
      return constant.memory
    }
    let memory = frame.allocate(bytes.count)
    bytes.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) }
    }
    return memory
  }

  /// The numbers as elements of another type.
  private static func copy(
    _ array: NumericArray, as element: NumericArray.ElementType, to memory: UnsafeMutableRawPointer
  ) throws {
    try array.bytes.withUnsafeBytes { bytes in
      for index in 0..<array.count {
        try store(ExactNumber(bytes, array.elementType, index), at: index, as: element, in: memory)
      }
    }
  }

  private static func store(
    _ number: ExactNumber, at index: Int, as element: NumericArray.ElementType,
    in memory: UnsafeMutableRawPointer
  ) throws {
    func put<T>(_ value: T?) throws {
      guard let value else {
        throw SessionError(.invalidValue, "\(number.text) is no \(element.rawValue)")
      }
      memory.storeBytes(of: value, toByteOffset: index * element.width, as: T.self)
    }
    switch element {
    case .float64: try put(number.double)
    case .float32: try put(number.float)
    case .int64: try put(number.integer(Int64.self))
    case .int32: try put(number.integer(Int32.self))
    case .int16: try put(number.integer(Int16.self))
    case .int8: try put(number.integer(Int8.self))
    case .uint64: try put(number.integer(UInt64.self))
    case .uint32: try put(number.integer(UInt32.self))
    case .uint16: try put(number.integer(UInt16.self))
    case .uint8: try put(number.integer(UInt8.self))
    case .bool: try put(number.integer(UInt8.self).flatMap { $0 <= 1 ? $0 : nil })
    }
  }

  private mutating func store(_ callback: NativeCallback, _ value: ToolValue?, at index: Int) throws
  {
    var isDescending = false
    if case .value(.string(let order), _)? = value { isDescending = order == "descending" }
    guard let closure = NativeCallback.Closure(callback, of: call, isDescending: isDescending)
    else {
      throw ToolFailure(
        code: 8, message: "there is no memory for a callback", type: "limit", isRetryable: true)
    }
    closures.append(closure)
    frame.store(pointer: closure.code, at: index)
  }

  private func makeRoom(_ capacity: NativeSignature.Capacity, at index: Int) throws {
    let parameter = signature.parameters[index]
    var count = capacity.plus
    if let other = capacity.parameter {
      guard let size = size(of: other) else {
        throw wrong(
          index, "\(signature.parameters[other].name) does not say how much room it needs")
      }
      let (product, overflows) = size.multipliedReportingOverflow(by: capacity.times)
      let (sum, alsoOverflows) = product.addingReportingOverflow(capacity.plus)
      guard !overflows, !alsoOverflows else { throw wrong(index, "it needs too much room") }
      count = sum
    }
    let (bytes, overflows) = count.multipliedReportingOverflow(by: parameter.type.elementWidth)
    guard count >= 0, !overflows, bytes <= Self.roomLimit else {
      throw wrong(
        index, "it needs room for \(count) elements, which is more than \(Self.roomLimit) bytes")
    }
    frame.setRegion(
      NativeFrame.Region(memory: frame.allocate(bytes), count: count, shape: [count]), of: index)
  }

  /// More is not given to a function to write into, in bytes: a caller may say how much it is.
  private static let roomLimit = 256 << 20

  /// The number that an argument is, or how many elements it has.
  private func size(of index: Int) -> Int? {
    if let region = frame.region(index) { return region.count }
    switch values[index] {
    case .value(.integer(let number), _): return Int(number)
    case .value(.string(let text), _): return text.utf8.count
    default: return nil
    }
  }

  private func storeCount(_ count: Int, of target: Int, at index: Int) throws {
    let parameter = signature.parameters[index]
    guard case .scalar(let scalar) = parameter.type else {
      preconditionFailure("lengths are numbers")
    }
    let memory = parameter.direction == .in ? frame.slot(index) : frame.cell(index)!
    do {
      try scalar.store(.integer(Int64(count)), to: memory)
    } catch {
      throw SessionError(
        .invalidValue,
        "\(signature.parameters[target].name) has \(count) elements, more than \(parameter.name) can say"
      )
    }
  }
}

extension ValueType {
  fileprivate var isArray: Bool { self == .embedding || self == .tensor }
}
