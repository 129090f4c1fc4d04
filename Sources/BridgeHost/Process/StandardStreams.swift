import Glibc

/// Standard output: the ready line and listings, each in one write.
enum StandardOutput {
  static func writeLine(_ text: String) { writeWhole(text + "\n", to: STDOUT_FILENO) }
}

/// Standard error: logs and complaints, each line in one write.
enum StandardError {
  static func writeLine(_ text: String) { writeWhole(text + "\n", to: STDERR_FILENO) }
}

/// Writes all of a text. A reader that is gone or a full disk must not take the host down: what
/// cannot be written is dropped.
private func writeWhole(_ text: String, to descriptor: CInt) {
  var text = text
  text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let count = write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        return
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
  }
}
