import ArgumentParser

/// Reads the numbers of options, which say what they may be where they are declared:
///
///     @Option(parsing: .unconditional, help: "…", transform: wholeNumber(0...86_400))
///     var grace = 5
///
/// With `.unconditional` a negative number is a value of the option and not an option of its own.
func wholeNumber<Number: FixedWidthInteger & Sendable>(
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
