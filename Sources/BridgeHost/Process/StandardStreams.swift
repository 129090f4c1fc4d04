import Glibc

/// Standard output: the ready line and listings, each in one write.
enum StandardOutput {
  /// - Returns: Whether it could be written.
  @discardableResult
  static func writeLine(_ text: String) -> Bool { writeWhole(text + "\n", to: STDOUT_FILENO) }
}

/// Standard error: logs and complaints, each line in one write.
enum StandardError {
  static func writeLine(_ text: String) { _ = writeWhole(text + "\n", to: STDERR_FILENO) }
}

/// Writes all of a text. A reader that is gone or a full disk must not take the host down: what
/// cannot be written is dropped.
private func writeWhole(_ text: String, to descriptor: CInt) -> Bool {
  var text = text
  return text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let count = write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
    return true
  }
}
