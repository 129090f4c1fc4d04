/// A value whose type is known only at run time: what all parameters, results and variables are
/// before they become Swift types.
///
/// Most tools never see one; they read `Double`, `String` and so on. It serves those that work on
/// variables of any type.
public enum ToolValue: Sendable, Hashable {
  /// No value.
  case null
  /// A number.
  case float(Double)
  /// A whole number.
  case integer(Int64)
  /// Text.
  case string(String)
  /// True or false.
  case boolean(Bool)
  /// One of a list of texts.
  case choice(String)
  /// The name of a module.
  case module(String)
  /// A vector of numbers.
  case embedding(Tensor.Elements)
  /// Numbers with a shape.
  case tensor(Tensor)
  /// JSON text: an object, an array or anything.
  case json(JSONText)
  /// Bytes.
  case bytes(Bytes)

  /// The type of the value.
  public var type: ValueType {
    switch self {
    case .null: .null
    case .float: .float
    case .integer: .integer
    case .string: .string
    case .boolean: .boolean
    case .choice: .choice
    case .module: .module
    case .embedding: .embedding
    case .tensor: .tensor
    case .json(let text): text.kind.type
    case .bytes: .bytes
    }
  }

  /// The text of a string, a choice or a module.
  var text: String? {
    switch self {
    case .string(let text), .choice(let text), .module(let text): text
    default: nil
    }
  }

  /// The numbers of an embedding or a tensor, in flat order.
  var elements: Tensor.Elements? {
    switch self {
    case .embedding(let elements): elements
    case .tensor(let tensor): tensor.elements
    default: nil
    }
  }

  /// The same content as another type where that loses nothing, else the value as it is.
  ///
  /// A Swift `String` is the content of a string, a choice and a module alike; this gives what is
  /// written to a variable the variable's own type.
  func coerced(to type: ValueType) -> ToolValue {
    switch (self, type) {
    case (.string(let text), .choice): .choice(text)
    case (.string(let text), .module): .module(text)
    case (.integer(let number), .float): .float(Double(number))
    case (.float(let number), .integer): Int64(exactly: number).map(ToolValue.integer) ?? self
    case (.embedding(let elements), .tensor):
      .tensor(Tensor(elements: elements))
    default: self
    }
  }
}
