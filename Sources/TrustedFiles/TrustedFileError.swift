internal import Glibc

/// Why a file or directory is not used: it cannot be read, or somebody else could have written it.
package struct TrustedFileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of the error.
  package enum Code: Sendable, Hashable {
    /// The system call failed with this `errno`.
    case system(CInt)
    /// Neither this user nor root owns it.
    case wrongOwner
    /// A group or everybody can write it.
    case writableByOthers
    /// It is a directory, pipe, socket or device where a file is needed, or no directory where one is.
    case wrongKind
    /// It has more bytes than the limit.
    case tooLarge
  }

  /// The kind of the error.
  package let code: Code
  /// What is wrong and with which file, in one line.
  package let message: String

  /// The message.
  package var description: String { message }

  /// Whether there is no such file.
  package var isMissing: Bool { code == .system(ENOENT) }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The last failure of a system call.
  init(reading path: String) {
    let number = errno
    self.init(.system(number), "\(path) cannot be read: \(String(cString: strerror(number)))")
  }
}
