internal import Glibc
internal import TerminalText

/// Standard output: listings, each line in one write.
enum StandardOutput {
  /// Writes a line, with everything escaped that steers a terminal.
  ///
  /// - Throws: `OutputError`.
  static func writeLine(_ text: String) throws(OutputError) {
    try write(Array((TerminalText.escaped(text) + "\n").utf8))
  }

  /// Writes a text as it is, which a program wants to read, unless it goes to a terminal.
  ///
  /// - Throws: `OutputError`.
  static func writeText(_ text: String) throws(OutputError) {
    guard isatty(STDOUT_FILENO) == 0 else { return try writeLine(text) }
    try write(Array((text + "\n").utf8))
  }

  /// Writes bytes.
  ///
  /// - Throws: `OutputError`.
  static func write(_ bytes: [UInt8]) throws(OutputError) {
    if !writeWhole(bytes, to: STDOUT_FILENO) { throw OutputError(number: errno) }
  }
}

/// Standard output cannot be written: what a command printed is not complete.
struct OutputError: Error, CustomStringConvertible {
  /// Of the failed write.
  let number: CInt

  /// Whether nobody reads any more.
  var isReaderGone: Bool { number == EPIPE }

  var description: String {
    "standard output cannot be written: \(String(cString: strerror(number)))"
  }
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
  /// Writes a line, with everything escaped that steers a terminal. What cannot be written is lost.
  static func writeLine(_ text: String) {
    _ = writeWhole(Array((TerminalText.escaped(text) + "\n").utf8), to: STDERR_FILENO)
  }
}

/// Writes all of it, and waits for the reader as long as it takes.
///
/// - Returns: false when it cannot be written: the reader is gone or the disk is full.
func writeWhole(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
  bytes.withUnsafeBytes { bytes in
    var rest = bytes
    while !rest.isEmpty {
      let count = write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        guard errno == EAGAIN else { return false }
        // Somebody has made the descriptor non-blocking, as shells and terminals may share it.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, -1)
        continue
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
    return true
  }
}
