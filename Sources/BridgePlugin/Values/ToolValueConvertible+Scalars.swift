extension Double: ToolValueConvertible {
  /// A number.
  public static var valueType: ValueType { .float }
  /// Zero.
  public static var placeholder: Double { 0 }

  /// Reads a number; whole numbers too.
  public init?(toolValue: ToolValue) {
    switch toolValue {
    case .float(let number): self = number
    case .integer(let number): self = Double(number)
    default: return nil
    }
  }

  /// A number.
  public var toolValue: ToolValue { .float(self) }
}

extension Float: ToolValueConvertible {
  /// A number.
  public static var valueType: ValueType { .float }
  /// Zero.
  public static var placeholder: Float { 0 }

  /// Reads a number as the nearest `Float`.
  public init?(toolValue: ToolValue) {
    guard let number = Double(toolValue: toolValue) else { return nil }
    self = Float(number)
  }

  /// A number.
  public var toolValue: ToolValue { .float(Double(self)) }
}

extension Int64: ToolValueConvertible {
  /// A whole number.
  public static var valueType: ValueType { .integer }
  /// Zero.
  public static var placeholder: Int64 { 0 }

  /// Reads a whole number.
  public init?(toolValue: ToolValue) {
    guard case .integer(let number) = toolValue else { return nil }
    self = number
  }

  /// A whole number.
  public var toolValue: ToolValue { .integer(self) }
}

extension Int: ToolValueConvertible {
  /// A whole number.
  public static var valueType: ValueType { .integer }
  /// Zero.
  public static var placeholder: Int { 0 }

  /// Reads a whole number.
  public init?(toolValue: ToolValue) {
    guard case .integer(let number) = toolValue else { return nil }
    self.init(exactly: number)
  }

  /// A whole number.
  public var toolValue: ToolValue { .integer(Int64(self)) }
}

extension Bool: ToolValueConvertible {
  /// True or false.
  public static var valueType: ValueType { .boolean }
  /// False.
  public static var placeholder: Bool { false }

  /// Reads a boolean.
  public init?(toolValue: ToolValue) {
    guard case .boolean(let flag) = toolValue else { return nil }
    self = flag
  }

  /// A boolean.
  public var toolValue: ToolValue { .boolean(self) }
}

extension String: ToolValueConvertible {
  /// Text.
  public static var valueType: ValueType { .string }
  /// No text.
  public static var placeholder: String { "" }

  /// Reads a string, a choice or a module.
  public init?(toolValue: ToolValue) {
    guard let text = toolValue.text else { return nil }
    self = text
  }

  /// A string.
  public var toolValue: ToolValue { .string(self) }
}
