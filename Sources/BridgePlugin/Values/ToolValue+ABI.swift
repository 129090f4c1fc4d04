internal import BridgePluginABI

extension ToolValue {
  /// Copies a value of the host; nil where it contradicts itself or is of a type not known here.
  init?(_ value: UnsafePointer<bridge_value>) {
    guard let type = ValueType(rawValue: value.pointee.type) else { return nil }
    let content = value.pointee.as
    switch type {
    case .null: self = .null
    case .float: self = .float(content.number)
    case .integer: self = .integer(content.integer)
    case .boolean: self = .boolean(content.boolean != 0)
    case .string: self = .string(String(content.text))
    case .choice: self = .choice(String(content.text))
    case .module: self = .module(String(content.text))
    case .object: self = .json(JSONText(String(content.text), kind: .object))
    case .array: self = .json(JSONText(String(content.text), kind: .array))
    case .any: self = .json(JSONText(String(content.text), kind: .any))
    case .bytes: self = .bytes(Bytes(Array(content.text.bytes)))
    case .embedding:
      guard let elements = Tensor.Elements(content.numbers) else { return nil }
      self = .embedding(elements)
    case .tensor:
      guard let tensor = Tensor(content.numbers) else { return nil }
      self = .tensor(tensor)
    }
  }

  /// Lends the value to a function of the host. Nothing is copied.
  func withABI<Result>(_ body: (UnsafePointer<bridge_value>) -> Result) -> Result {
    var value = bridge_value()
    value.type = type.rawValue
    switch self {
    case .null: break
    case .float(let number): value.as.number = number
    case .integer(let number): value.as.integer = number
    case .boolean(let flag): value.as.boolean = flag ? 1 : 0
    case .string(let text), .choice(let text), .module(let text):
      return text.withView {
        value.as.text = $0
        return body(&value)
      }
    case .json(let json):
      return json.text.withView {
        value.as.text = $0
        return body(&value)
      }
    case .bytes(let bytes):
      return bytes.bytes.withUnsafeBytes {
        value.as.text = bridge_str($0)
        return body(&value)
      }
    case .embedding(let elements):
      return elements.withABI(shape: nil) {
        value.as.numbers = $0
        return body(&value)
      }
    case .tensor(let tensor):
      return tensor.elements.withABI(shape: tensor.shape) {
        value.as.numbers = $0
        return body(&value)
      }
    }
    return body(&value)
  }
}
