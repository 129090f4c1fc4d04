package import Glibc

/// An open file descriptor, closed when its owner lets go of it.
package struct FileDescriptor: ~Copyable, Sendable {
  /// The number, for system calls; valid as long as this value is.
  package let number: CInt

  /// Takes over an open descriptor.
  package init(owning number: CInt) { self.number = number }

  /// Takes over what opening a file has returned.
  ///
  /// - Parameter path: The file, for messages.
  /// - Throws: `TrustedFileError` with `system` when it was not opened.
  init(opened number: CInt, _ path: String) throws(TrustedFileError) {
    guard number >= 0 else { throw TrustedFileError(reading: path) }
    self.init(owning: number)
  }

  deinit { close(number) }

  /// What the system knows of the open file.
  package func status() -> stat {
    var status = stat()
    // Fails only for a descriptor that is not open, which this one is (fstat(2)).
    fstat(number, &status)
    return status
  }
}
