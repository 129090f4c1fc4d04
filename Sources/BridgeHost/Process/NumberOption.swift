internal import ArgumentParser

/// Numbers that say what they may be where they are declared:
///
///     @Option(0...86_400, help: "Seconds that open calls get to finish on shutdown.")
///     var grace = 5
///
/// A negative number is a value of its option and not an option of its own (`unconditional`).
extension Option where Value: FixedWidthInteger & Sendable {
  init(wrappedValue: Value, _ range: ClosedRange<Value>, help: String) {
    // A default is shown by itself only where there is no `transform`.
    self.init(
      wrappedValue: wrappedValue, parsing: .unconditional,
      help: ArgumentHelp(stringLiteral: "\(help) (default: \(wrappedValue))"),
      transform: wholeNumber(range))
  }
}

/// The same for those without a default.
extension Option {
  init<Number: FixedWidthInteger & Sendable>(
    _ range: ClosedRange<Number>, help: String
  ) where Value == Number? {
    self.init(
      parsing: .unconditional, help: ArgumentHelp(stringLiteral: help),
      transform: wholeNumber(range))
  }
}

private func wholeNumber<Number: FixedWidthInteger & Sendable>(
  _ range: ClosedRange<Number>
) -> @Sendable (String) throws -> Number {
  { text in
    guard let number = Number(text), range.contains(number) else {
      throw ValidationError(
        "it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

/// Reads a time in seconds, more than none.
func seconds(upTo most: Double) -> @Sendable (String) throws -> Double {
  { text in
    guard let number = Double(text), number > 0, number <= most else {
      throw ValidationError("it must be more than 0 and at most \(Int(most)) seconds")
    }
    return number
  }
}
