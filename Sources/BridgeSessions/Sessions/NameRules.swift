/// What names, session ids and keys may be, so that they can be shown, hashed and compared.
///
/// Swift compares texts in Unicode's canonical order. Bringing a text into it takes the square of the
/// length of a run of combining marks, so such runs are bounded before a text is hashed or compared.
package enum NameRules {
  /// Combining marks that may follow each other. Unicode's stream-safe text format has the same limit.
  ///
  /// Source: https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
  static let markLimit = 30

  /// Bytes of a key of a map.
  package static let keyLength = 1024

  /// - Throws: `SessionError` with code `invalidArgument` for what no variable or session may be called.
  static func check(
    _ name: String, _ what: StaticString, length limit: Int, forbids extra: Unicode.Scalar? = nil
  ) throws(SessionError) {
    let length = name.utf8.count
    guard length > 0, length <= limit else {
      throw SessionError(
        .invalidArgument, "\(what) has \(length) bytes, it must have 1 to \(limit)")
    }
    for scalar in name.unicodeScalars {
      if isControl(scalar) {
        throw SessionError(
          .invalidArgument, "\(what) has the control character U+\(hex(scalar)) in it")
      }
      if scalar == extra {
        throw SessionError(.invalidArgument, "\(what) \"\(name)\" has \"\(scalar)\" in it")
      }
    }
    guard hasBoundedMarks(name) else {
      throw SessionError(
        .invalidArgument,
        "\(what) has more than \(markLimit) combining marks one after the other")
    }
  }

  /// Whether a text may be hashed and compared in time that grows with its length only.
  package static func isHashable(_ text: String, length limit: Int) -> Bool {
    let length = text.utf8.count
    // Every combining mark takes two bytes at least.
    return length <= limit && (length <= 2 * markLimit || hasBoundedMarks(text))
  }

  /// - Throws: `SessionError` with code `invalidArgument` for a text that is too costly as a key.
  package static func checkKey(_ text: String) throws(SessionError) {
    if text.utf8.count <= 2 * markLimit { return }
    guard isHashable(text, length: keyLength) else {
      throw SessionError(
        .invalidArgument,
        "a key of \(text.utf8.count) bytes; at most \(keyLength) are taken, and \(markLimit) combining "
          + "marks one after the other")
    }
  }

  /// - Throws: `SessionError` with code `invalidArgument` for bytes that are too costly as a key.
  package static func checkKey(_ bytes: UnsafeRawBufferPointer) throws(SessionError) {
    guard bytes.count <= keyLength else {
      throw SessionError(
        .invalidArgument, "a key of \(bytes.count) bytes; at most \(keyLength) are taken")
    }
    // Every combining mark takes two bytes at least.
    if bytes.count <= 2 * markLimit { return }
    guard hasBoundedMarks(String(decoding: bytes, as: UTF8.self)) else {
      throw SessionError(
        .invalidArgument, "a key with more than \(markLimit) combining marks one after the other")
    }
  }

  private static func hasBoundedMarks(_ text: String) -> Bool {
    if text.utf8.count <= 2 * markLimit { return true }
    var marks = 0
    for scalar in text.unicodeScalars {
      // No combining mark is before U+0300.
      if scalar.value < 0x300 || scalar.properties.canonicalCombiningClass == .notReordered {
        marks = 0
      } else {
        marks += 1
        if marks > markLimit { return false }
      }
    }
    return true
  }

  /// C0, DEL, C1, line and paragraph separators, and what turns the direction of text: these would
  /// change how a terminal or a log shows what is around them.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func hex(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
