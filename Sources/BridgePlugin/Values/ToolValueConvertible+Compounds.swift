/// A type of number that arrays can be read and written as: `Double` and `Float`.
public protocol VectorElement: Sendable {
  /// The numbers as the nearest of this type.
  static func numbers(of elements: Tensor.Elements) -> [Self]
  /// Numbers of this type.
  static func elements(of numbers: [Self]) -> Tensor.Elements
}

extension Double: VectorElement {
  /// The nearest Doubles.
  public static func numbers(of elements: Tensor.Elements) -> [Double] { elements.doubles }
  /// float64.
  public static func elements(of numbers: [Double]) -> Tensor.Elements { .float64(numbers) }
}

extension Float: VectorElement {
  /// The nearest Floats.
  public static func numbers(of elements: Tensor.Elements) -> [Float] { elements.floats }
  /// float32.
  public static func elements(of numbers: [Float]) -> Tensor.Elements { .float32(numbers) }
}

extension Array: ToolValueConvertible where Element: VectorElement {
  /// A vector of numbers.
  public static var valueType: ValueType { .embedding }
  /// No numbers.
  public static var placeholder: [Element] { [] }

  /// Reads an embedding, or the elements of a tensor in flat order, of any element type.
  public init?(toolValue: ToolValue) {
    guard let elements = toolValue.elements else { return nil }
    self = Element.numbers(of: elements)
  }

  /// An embedding.
  public var toolValue: ToolValue { .embedding(Element.elements(of: self)) }
}

extension Optional: ToolValueConvertible where Wrapped: ToolValueConvertible {
  /// The type without `Optional`.
  public typealias Unwrapped = Wrapped.Unwrapped

  /// The type of what may be there.
  public static var valueType: ValueType { Wrapped.valueType }
  /// The choices of what may be there.
  public static var choices: [String] { Wrapped.choices }
  /// It may be left out.
  public static var isOptional: Bool { true }
  /// Nothing.
  public static var placeholder: Wrapped? { nil }

  /// Reads nothing, or what may be there.
  public init?(toolValue: ToolValue) {
    if toolValue == .null {
      self = .none
    } else if let value = Wrapped(toolValue: toolValue) {
      self = .some(value)
    } else {
      return nil
    }
  }

  /// The value, or `.null`.
  public var toolValue: ToolValue { self?.toolValue ?? .null }
}

extension ToolValue: ToolValueConvertible {
  /// Anything.
  public static var valueType: ValueType { .any }
  /// No value.
  public static var placeholder: ToolValue { .null }

  /// Reads anything.
  public init?(toolValue: ToolValue) { self = toolValue }

  /// Itself.
  public var toolValue: ToolValue { self }
}
