internal import Glibc

/// Standard output: the ready line and listings, each in one write.
enum StandardOutput {
  /// - Returns: Whether it could be written.
  @discardableResult
  static func writeLine(_ text: String) -> Bool { write(Array((text + "\n").utf8)) }

  /// - Returns: Whether it could be written.
  static func write(_ bytes: [UInt8]) -> Bool { writeWhole(bytes, to: STDOUT_FILENO) }
}

/// Standard input: what is imported.
enum StandardInput {
  /// - Returns: The next bytes; nil at the end.
  /// - Throws: `PlainError` when it cannot be read.
  static func read(_ limit: Int) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: limit)
    while true {
      let count = Glibc.read(STDIN_FILENO, &bytes, limit)
      if count > 0 { return Array(bytes.prefix(count)) }
      if count == 0 { return nil }
      if errno != EINTR {
        throw PlainError("standard input cannot be read: \(String(cString: strerror(errno)))")
      }
    }
  }
}

/// Standard error: logs and complaints, each line in one write.
enum StandardError {
  static func writeLine(_ text: String) {
    _ = writeWhole(Array((text + "\n").utf8), to: STDERR_FILENO)
  }
}

/// Writes all of it. A reader that is gone or a full disk must not take the host down: what
/// cannot be written is dropped.
private func writeWhole(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
  bytes.withUnsafeBytes { bytes in
    var rest = bytes
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
