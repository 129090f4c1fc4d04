internal import Glibc

extension String {
  /// Equality of the bytes. That of strings is of what they mean (canonical equivalence), and takes
  /// the square of the length for some texts.
  func hasSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }

  /// Hashes the bytes.
  func hashBytes(into hasher: inout Hasher) {
    hasher.combine(utf8.count)
    for byte in utf8 { hasher.combine(byte) }
  }
}

extension [UInt8] {
  /// Equality in one memcmp, which the generic operator is not.
  func hasSameBytes(as other: [UInt8]) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { left in
      other.withUnsafeBytes { right in
        left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
      }
    }
  }
}

// Always inlined: with the text known, the comparison is a few instructions.
extension UnsafeRawBufferPointer {
  @inline(__always)
  func isEqual(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && hasPrefix(text)
  }

  @inline(__always)
  func hasPrefix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard count >= length else { return false }
    return memcmp(baseAddress!, text.utf8Start, length) == 0
  }

  func hasSuffix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length
      && UnsafeRawBufferPointer(rebasing: self[(count - length)...]).hasPrefix(text)
  }
}
