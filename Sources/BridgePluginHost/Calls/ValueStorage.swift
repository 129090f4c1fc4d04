internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

/// Keeps alive what a `bridge_value` handed to a plugin points to.
// The pointers go into the heap storage of arrays, which stays in place for as long as this object
// holds the array and nobody writes to it.
// @unchecked: `text` is written in `init` only.
final class ValueStorage: @unchecked Sendable {
  private let value: ToolValue
  /// The bytes of a string: those of a Swift text have no place of their own.
  private let text: UnsafeMutableRawBufferPointer?
  private let shape: [UInt64]

  init(_ value: ToolValue) {
    self.value = value
    var lengths: [Int] = []
    switch value {
    case .value(.string(var string), _):
      text = string.withUTF8 { bytes in
        let place = UnsafeMutableRawBufferPointer.allocate(
          byteCount: bytes.count, alignment: 16)
        place.copyMemory(from: UnsafeRawBufferPointer(bytes))
        return place
      }
    case .value(.array(let array), _):
      text = nil
      lengths = array.shape
    case .donated(let value):
      text = nil
      if case .numbers(_, let shape, _) = value.content { lengths = shape }
    case .null, .value, .json, .bytes: text = nil
    }
    shape = lengths.isEmpty ? [] : lengths.map(UInt64.init)
  }

  deinit { text?.deallocate() }

  /// The value as the ABI has it; valid as long as this object.
  var view: bridge_value {
    var view = bridge_value()
    switch value {
    case .null: view.type = bridge_type(BRIDGE_TYPE_NULL)
    case .value(let value, let type):
      view.type = type.abi
      switch value {
      case .float(let number): view.as.number = number
      case .integer(let integer): view.as.integer = integer
      case .boolean(let flag): view.as.boolean = flag ? 1 : 0
      case .string: if let text { view.as.text = bridge_str(UnsafeRawBufferPointer(text)) }
      case .array(let array): view.as.numbers = numbers(array)
      }
    case .json(let text, let type):
      view.type = type.abi
      view.as.text = text.abiView
    case .bytes(let bytes):
      view.type = bridge_type(BRIDGE_TYPE_BYTES)
      view.as.text = bytes.abiView
    case .donated(let value): show(value, in: &view)
    }
    return view
  }

  private func show(_ value: DonatedValue, in view: inout bridge_value) {
    value.memory.withUnsafeBytes { memory in
      switch value.content {
      case .bytes:
        view.type = bridge_type(BRIDGE_TYPE_BYTES)
        view.as.text = bridge_str(memory)
      case .json(let type):
        view.type = type.abi
        view.as.text = bridge_str(memory)
      case .numbers(let type, _, let element):
        view.type = type.abi
        view.as.numbers = bridge_numbers(
          data: memory.baseAddress, count: memory.count / element.width, element: element.abi,
          rank: UInt32(shape.count), shape: shape.withUnsafeBufferPointer { $0.baseAddress })
      }
    }
  }

  private func numbers(_ array: NumericArray) -> bridge_numbers {
    bridge_numbers(
      data: array.bytes.withUnsafeBytes { $0.baseAddress }, count: array.count,
      element: array.elementType.abi, rank: UInt32(shape.count),
      shape: shape.withUnsafeBufferPointer { $0.baseAddress })
  }
}

extension bridge_str {
  /// A view of bytes, valid as long as they are.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(data: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), length: bytes.count)
  }
}

extension [UInt8] {
  /// A view of the bytes, valid as long as the array is kept as it is.
  var abiView: bridge_str {
    withUnsafeBytes { bridge_str($0) }
  }
}
