/// Text of others, shown to a person: in logs, listings and messages.
package enum TerminalText {
  /// The text with everything escaped that steers a terminal or makes text look like something else.
  ///
  /// Escaped are the C0 controls with line feed and tab, DEL, the C1 controls, the line and paragraph
  /// separators, and what changes the direction of writing (UAX #9, explicit formatting). The escapes
  /// are those of JSON, `\n` or `\u001b`, so that escaped JSON is JSON of the same value.
  package static func escaped(_ text: String) -> String {
    // As a rule there is nothing to escape, and the text is ASCII.
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isEscaped(scalar) {
        result += escape(scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
      let hex = String(scalar.value, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    }
  }
}
