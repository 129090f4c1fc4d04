internal import JSON

extension Constraints {
  /// A value as it is held under these constraints: its elements have the `dtype`.
  ///
  /// - Throws: `SessionError` with code `invalidValue`, in words that name the value and the bound;
  ///   `SearchInterruption`.
  public func admit(_ value: Value, _ searches: inout SearchBudget) throws -> Value {
    var value = value
    if let elementType, case .array(let array) = value, array.elementType != elementType {
      value = .array(try converted(array, to: elementType))
    }
    try check(value, &searches)
    return value
  }

  /// JSON carries no dtype and is read as float64; other types are the writer's own choice.
  private func converted(
    _ array: NumericArray, to type: NumericArray.ElementType
  ) throws -> NumericArray {
    guard array.isUntyped || array.elementType == .float64 else { throw wrongType(array, type) }
    do throws(NumericArray.Misfit) {
      return try array.converted(to: type)
    } catch {
      throw invalid(
        "Value \(error.number.text) at \(error.index) does not fit dtype \(type.rawValue)")
    }
  }

  private func wrongType(
    _ array: NumericArray, _ type: NumericArray.ElementType
  ) -> SessionError {
    invalid("Value has dtype \(array.elementType.rawValue), must have dtype \(type.rawValue)")
  }

  /// Checks a value that is of the constraints' type.
  ///
  /// - Throws: `SessionError` with code `invalidValue`, in words that name the value and the bound;
  ///   `SearchInterruption`.
  func check(_ value: Value, _ searches: inout SearchBudget) throws {
    switch value {
    case .float(let number): try check(number: .float(number))
    case .integer(let number): try check(number: .integer(number))
    case .boolean: break
    case .string(let text): try check(text, &searches)
    case .array(let array): try check(array)
    }
  }

  private func check(number: ExactNumber) throws {
    if let minimum, number < minimum || number.double.isNaN {
      throw invalid("Value \(number.text) is below minimum \(minimum.text(beside: number))")
    }
    if let maximum, maximum < number || number.double.isNaN {
      throw invalid("Value \(number.text) is above maximum \(maximum.text(beside: number))")
    }
  }

  private func check(_ text: String, _ searches: inout SearchBudget) throws {
    if minimumLength != nil || maximumLength != nil {
      let length = text.count
      if let minimumLength, length < minimumLength {
        throw invalid(
          "Value \(quoted(text)) has \(length) characters, below the minimum length "
            + "\(minimumLength)")
      }
      if let maximumLength, length > maximumLength {
        throw invalid(
          "Value \(quoted(text)) has \(length) characters, above the maximum length "
            + "\(maximumLength)")
      }
    }
    if let choices, !choices.contains(where: { Self.isSame($0, text) }) {
      throw invalid("Value \(quoted(text)) must be one of: \(choices.joined(separator: ", "))")
    }
    if let namespace, !Self.isSame(text, namespace), !text.utf8.starts(with: (namespace + ".").utf8)
    {
      throw invalid("Value \(quoted(text)) must be in namespace \(namespace)")
    }
    if let pattern, try !pattern.matches(text, &searches) {
      throw invalid("Value \(quoted(text)) does not match pattern \(pattern.source)")
    }
  }

  private func check(_ array: NumericArray) throws {
    if let dimensions, array.count != dimensions {
      throw invalid("Value has \(array.count) dimensions, must have \(dimensions)")
    }
    if let shape {
      let fits =
        shape.count == array.shape.count
        && zip(shape, array.shape).allSatisfy { $0 == nil || $0 == $1 }
      if !fits {
        let wanted = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
        throw invalid("Value has shape \(array.shape), must have shape [\(wanted)]")
      }
    }
    if let elementType, array.elementType != elementType { throw wrongType(array, elementType) }
    if minimum != nil || maximum != nil {
      for index in 0..<array.count { try check(number: array.exact(index)) }
    }
    if isNormalized {
      let norm = array.doubles.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if !(abs(norm - 1) <= 1e-3) {
        throw invalid("Value has length \(norm), must be normalized to 1.0")
      }
    }
  }

  /// Compares bytes: Unicode's equality can take the square of a text's length.
  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
  }

  private func invalid(_ message: String) -> SessionError { SessionError(.invalidValue, message) }

  /// The text in quotes, short enough for a message.
  private func quoted(_ text: String) -> String {
    text.utf8.count <= 200 ? "\"\(text)\"" : "\"\(text.prefix(100))…\""
  }
}
