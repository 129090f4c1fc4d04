extension JSON {
  /// The text with an exponent behind whole numbers that 64 bits do not hold: the parser refuses
  /// those, though as floats they are fine (RFC 8259, section 6).
  ///
  /// - Returns: nil when there are none.
  static func withLargeIntegersAsFloats(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    var result: [UInt8] = []
    var number = 0..<0
    var isFloat = false
    var hasChanged = false
    func endNumber() {
      if !number.isEmpty, !isFloat, !is64Bit(text[number]) {
        result.append(contentsOf: "e0".utf8)
        hasChanged = true
      }
      (number, isFloat) = (0..<0, false)
    }
    forEachByte(text) { index, byte, isInString in
      if isInString {
        endNumber()
      } else {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
          number = (number.isEmpty ? index : number.lowerBound)..<index + 1
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isFloat = true
        case UInt8(ascii: "+"): break
        default: endNumber()
        }
      }
      result.append(byte)
    }
    endNumber()
    return hasChanged ? result : nil
  }

  /// Whether digits, perhaps with a sign, are a number within Int64 or UInt64.
  private static func is64Bit(_ digits: Slice<UnsafeRawBufferPointer>) -> Bool {
    if digits.count < 19 { return true }
    let isNegative = digits.first == UInt8(ascii: "-")
    var magnitude: UInt64 = 0
    for digit in digits.dropFirst(isNegative ? 1 : 0) {
      let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(digit &- UInt8(ascii: "0")))
      if overflow || carry { return false }
      magnitude = sum
    }
    return !isNegative || magnitude <= Int64.min.magnitude
  }

  /// The text with quotes around the bare words NaN, Infinity and -Infinity, which Python writes.
  ///
  /// - Returns: nil when there are none.
  static func withBareFloatsAsStrings(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    var result: [UInt8] = []
    var wordEnd = 0
    var hasChanged = false
    forEachByte(text) { index, byte, isInString in
      if !isInString, index >= wordEnd, let word = bareFloat(text[index...]) {
        result.append(UInt8(ascii: "\""))
        wordEnd = index + word
        hasChanged = true
      }
      result.append(byte)
      if index + 1 == wordEnd { result.append(UInt8(ascii: "\"")) }
    }
    return hasChanged ? result : nil
  }

  /// How long the bare word is that a text begins with; nil when it begins with none.
  private static func bareFloat(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
    for word in ["NaN", "Infinity", "-Infinity"] where text.starts(with: word.utf8) {
      return word.utf8.count
    }
    return nil
  }

  /// Hands over each byte, and whether it belongs to a string, the quotes included.
  private static func forEachByte(
    _ text: UnsafeRawBufferPointer, _ body: (Int, UInt8, _ isInString: Bool) -> Void
  ) {
    var isInString = false
    var isEscaped = false
    for (index, byte) in text.enumerated() {
      if isInString {
        body(index, byte, true)
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      } else {
        isInString = byte == UInt8(ascii: "\"")
        body(index, byte, isInString)
      }
    }
  }
}
