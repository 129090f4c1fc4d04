extension [Double]: ToolValueConvertible {
  /// A vector of numbers.
  public static var valueType: ValueType { .embedding }
  /// No numbers.
  public static var placeholder: [Double] { [] }

  /// Reads an embedding, or the elements of a tensor in flat order, of any element type.
  public init?(toolValue: ToolValue) {
    guard let elements = toolValue.elements else { return nil }
    self = elements.doubles
  }

  /// An embedding of float64.
  public var toolValue: ToolValue { .embedding(.float64(self)) }
}

extension [Float]: ToolValueConvertible {
  /// A vector of numbers.
  public static var valueType: ValueType { .embedding }
  /// No numbers.
  public static var placeholder: [Float] { [] }

  /// Reads an embedding, or the elements of a tensor in flat order, of any element type.
  public init?(toolValue: ToolValue) {
    guard let elements = toolValue.elements else { return nil }
    self = elements.floats
  }

  /// An embedding of float32.
  public var toolValue: ToolValue { .embedding(.float32(self)) }
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
