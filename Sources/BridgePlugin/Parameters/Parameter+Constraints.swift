// The constraints of each type, as the host knows them. `Value.Unwrapped` lets optionals have them.

extension Parameter where Value.Unwrapped: BinaryFloatingPoint {
  /// A number within bounds, both included.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    range: ClosedRange<Double>
  ) {
    self.init(
      name, description, defaultValue,
      constraints: [("min", range.lowerBound), ("max", range.upperBound)])
  }

  /// A number that is not below a bound.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    range: PartialRangeFrom<Double>
  ) {
    self.init(name, description, defaultValue, constraints: [("min", range.lowerBound)])
  }

  /// A number that is not above a bound.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    range: PartialRangeThrough<Double>
  ) {
    self.init(name, description, defaultValue, constraints: [("max", range.upperBound)])
  }
}

extension Parameter where Value.Unwrapped: BinaryInteger {
  /// A whole number within bounds, both included.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    range: ClosedRange<Int>
  ) {
    self.init(
      name, description, defaultValue,
      constraints: [("min", range.lowerBound), ("max", range.upperBound)])
  }

  /// A whole number that is not below a bound.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    range: PartialRangeFrom<Int>
  ) {
    self.init(name, description, defaultValue, constraints: [("min", range.lowerBound)])
  }

  /// A whole number that is not above a bound.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    range: PartialRangeThrough<Int>
  ) {
    self.init(name, description, defaultValue, constraints: [("max", range.upperBound)])
  }
}

extension Parameter where Value.Unwrapped == String {
  /// One of a list of texts.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil, choices: [String]
  ) {
    self.init(
      name, description, defaultValue, type: .choice,
      constraints: [("choices", JSONText.array(choices))])
  }

  /// Text with a number of characters, and of a pattern (PCRE) where one is given.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil,
    length: ClosedRange<Int>, pattern: String? = nil
  ) {
    var constraints: [(key: String, value: any ToolValueConvertible)] = [
      ("min_length", length.lowerBound), ("max_length", length.upperBound),
    ]
    if let pattern { constraints.append(("pattern", pattern)) }
    self.init(name, description, defaultValue, constraints: constraints)
  }

  /// Text of a pattern (PCRE).
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil, pattern: String
  ) {
    self.init(name, description, defaultValue, constraints: [("pattern", pattern)])
  }
}

extension Parameter where Value.Unwrapped: Collection, Value.Unwrapped.Element: VectorElement {
  /// A vector of so many numbers, within bounds and of length 1 where that is asked for.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil, dimensions: Int,
    range: ClosedRange<Double>? = nil, isNormalized: Bool = false
  ) {
    var constraints: [(key: String, value: any ToolValueConvertible)] = [
      ("dimensions", dimensions)
    ]
    if let range { constraints += [("min", range.lowerBound), ("max", range.upperBound)] }
    if isNormalized { constraints.append(("normalized", true)) }
    self.init(name, description, defaultValue, constraints: constraints)
  }
}

extension Parameter where Value.Unwrapped == Tensor {
  /// A tensor of a shape, in which nil stands for any length, and of an element type.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil, shape: [Int?],
    elementType: Tensor.ElementType? = nil
  ) {
    var constraints: [(key: String, value: any ToolValueConvertible)] = [
      ("shape", JSONText.array(shape))
    ]
    if let elementType { constraints.append(("dtype", "\(elementType)")) }
    self.init(name, description, defaultValue, constraints: constraints)
  }
}

extension Parameter where Value.Unwrapped == JSONText {
  /// JSON text of an object, of an array, or of anything.
  ///
  /// - Parameter schema: A JSON Schema (2020-12) that calls are checked against; empty for none.
  public init(
    _ name: String, _ description: String, default defaultValue: Value? = nil, kind: JSONText.Kind,
    schema: String = ""
  ) {
    self.init(name, description, defaultValue, type: kind.type, constraints: [], schema: schema)
  }
}
