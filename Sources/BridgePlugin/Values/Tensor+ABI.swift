internal import BridgePluginABI

extension Tensor.Elements {
  /// Copies what a view holds; nil for an element type that is not known or a view of nothing.
  init?(_ numbers: bridge_numbers) {
    guard let type = Tensor.ElementType(rawValue: numbers.element),
      numbers.data != nil || numbers.count == 0,
      numbers.count <= Int.max / 8, numbers.count >= 0
    else { return nil }
    func copy<Number>(_: Number.Type) -> [Number] {
      Array(unsafeUninitializedCapacity: numbers.count) { buffer, count in
        if let source = numbers.data, let target = buffer.baseAddress {
          UnsafeMutableRawPointer(target).copyMemory(
            from: source, byteCount: numbers.count * MemoryLayout<Number>.stride)
        }
        count = numbers.count
      }
    }
    switch type {
    case .float64: self = .float64(copy(Double.self))
    case .float32: self = .float32(copy(Float.self))
    case .int64: self = .int64(copy(Int64.self))
    case .int32: self = .int32(copy(Int32.self))
    case .int16: self = .int16(copy(Int16.self))
    case .int8: self = .int8(copy(Int8.self))
    case .uint64: self = .uint64(copy(UInt64.self))
    case .uint32: self = .uint32(copy(UInt32.self))
    case .uint16: self = .uint16(copy(UInt16.self))
    case .uint8: self = .uint8(copy(UInt8.self))
    // Any byte may come; a Bool must be 0 or 1.
    case .bool: self = .bool(copy(UInt8.self).map { $0 != 0 })
    }
  }

  /// Lends the bytes, in the machine's byte order.
  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch self {
    case .float64(let numbers): numbers.withUnsafeBytes(body)
    case .float32(let numbers): numbers.withUnsafeBytes(body)
    case .int64(let numbers): numbers.withUnsafeBytes(body)
    case .int32(let numbers): numbers.withUnsafeBytes(body)
    case .int16(let numbers): numbers.withUnsafeBytes(body)
    case .int8(let numbers): numbers.withUnsafeBytes(body)
    case .uint64(let numbers): numbers.withUnsafeBytes(body)
    case .uint32(let numbers): numbers.withUnsafeBytes(body)
    case .uint16(let numbers): numbers.withUnsafeBytes(body)
    case .uint8(let numbers): numbers.withUnsafeBytes(body)
    case .bool(let numbers): numbers.withUnsafeBytes(body)
    }
  }

  /// Lends a view with a shape; nil stands for one dimension.
  func withABI<Result>(shape: [Int]?, _ body: (bridge_numbers) -> Result) -> Result {
    withUnsafeBytes { bytes in
      var numbers = bridge_numbers()
      numbers.data = bytes.baseAddress
      numbers.count = count
      numbers.element = type.rawValue
      guard let shape else {
        numbers.rank = 1
        return body(numbers)
      }
      numbers.rank = UInt32(shape.count)
      return shape.map(UInt64.init).withUnsafeBufferPointer { lengths in
        numbers.shape = lengths.baseAddress
        return body(numbers)
      }
    }
  }
}

extension Tensor {
  /// Copies what a view holds; nil where it contradicts itself.
  init?(_ numbers: bridge_numbers) {
    guard let elements = Elements(numbers) else { return nil }
    guard numbers.rank > 0 else {
      self.init(shape: [], elements: elements)
      return
    }
    guard let lengths = numbers.shape else {
      guard numbers.rank == 1 else { return nil }
      self.init(elements: elements)
      return
    }
    var shape: [Int] = []
    for index in 0..<Int(numbers.rank) {
      guard let length = Int(exactly: lengths[index]) else { return nil }
      shape.append(length)
    }
    self.init(shape: shape, elements: elements)
  }
}
