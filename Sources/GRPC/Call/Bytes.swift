internal import Glibc

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
