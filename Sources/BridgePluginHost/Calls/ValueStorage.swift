internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

/// Keeps alive what a `bridge_value` handed to a plugin points to.
// The pointers go into the heap storage of arrays, which stays in place for as long as this object
// holds the array and nobody writes to it.
final class ValueStorage: Sendable {
  private let value: ToolValue
  private let text: [UInt8]
  private let shape: [UInt64]

  init(_ value: ToolValue) {
    self.value = value
    switch value {
    case .value(.string(let text), _):
      self.text = Array(text.utf8)
      shape = []
    case .value(.array(let array), _):
      text = []
      shape = array.shape.map(UInt64.init)
    case .json(let text, _), .bytes(let text):
      self.text = text
      shape = []
    case .donated(let value):
      text = []
      if case .numbers(_, let lengths, _) = value.content {
        shape = lengths.map(UInt64.init)
      } else {
        shape = []
      }
    case .null, .value:
      text = []
      shape = []
    }
  }

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
      case .string: view.as.text = text.abiView
      case .array(let array): view.as.numbers = numbers(array)
      }
    case .json(_, let type):
      view.type = type.abi
      view.as.text = text.abiView
    case .bytes:
      view.type = bridge_type(BRIDGE_TYPE_BYTES)
      view.as.text = text.abiView
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
