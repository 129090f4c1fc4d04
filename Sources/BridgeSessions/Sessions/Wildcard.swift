internal import Glibc

/// A pattern in which `*` stands for any run of characters, the empty one included.
public struct Wildcard: Sendable, Hashable {
  /// The pattern as it was written.
  public let pattern: String
  private let bytes: [UInt8]

  /// Takes any text; one without a star matches itself alone.
  public init(_ pattern: String) {
    self.pattern = pattern
    var bytes: [UInt8] = []
    for byte in pattern.utf8 {
      // A run of stars says no more than one, and costs as many steps.
      if byte == UInt8(ascii: "*") && bytes.last == byte { continue }
      bytes.append(byte)
    }
    self.bytes = bytes
  }

  /// Whether a text has a star in it.
  public static func isPattern(_ text: String) -> Bool {
    // Every text that is asked for is looked at: as a collection it would take ten times as long.
    text.utf8.withContiguousStorageIfAvailable { bytes in
      bytes.baseAddress.map { memchr($0, CInt(UInt8(ascii: "*")), bytes.count) != nil } ?? false
    } ?? text.utf8.contains(UInt8(ascii: "*"))
  }

  /// Whether a text ends as the pattern does behind its last star.
  private func hasSuffix(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var patternIndex = bytes.count - 1
    var textIndex = text.count - 1
    while patternIndex >= 0, bytes[patternIndex] != UInt8(ascii: "*") {
      guard textIndex >= 0, bytes[patternIndex] == text[textIndex] else { return false }
      patternIndex -= 1
      textIndex -= 1
    }
    return true
  }

  /// Takes time in proportion to the product of the two lengths at most.
  public func matches(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { text in
      // Most names that do not match end otherwise; this costs no search.
      guard hasSuffix(text) else { return false }
      var patternIndex = 0
      var textIndex = 0
      var afterStar = -1
      var retryFrom = 0
      while textIndex < text.count {
        if patternIndex < bytes.count, bytes[patternIndex] == UInt8(ascii: "*") {
          patternIndex += 1
          afterStar = patternIndex
          retryFrom = textIndex
        } else if patternIndex < bytes.count, bytes[patternIndex] == text[textIndex] {
          patternIndex += 1
          textIndex += 1
        } else if afterStar >= 0 {
          retryFrom += 1
          patternIndex = afterStar
          textIndex = retryFrom
        } else {
          return false
        }
      }
      return bytes[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
  }
}
