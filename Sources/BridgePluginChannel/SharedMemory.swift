internal import BridgeTools
internal import CPluginProcess
internal import Glibc
package import TrustedFiles

/// What has come with a message: memory that nobody changes for as long as this object lives.
///
/// It is a file that the other process has filled and sealed; or what it has lent (`LentMemory`), in place or
/// copied.
///
/// Source: memfd_create(2), fcntl(2) under "File Sealing".
// @unchecked: the memory is constant from `init` on.
package final class SharedMemory: @unchecked Sendable {
  /// The memory, for as long as this object lives.
  package let bytes: UnsafeRawBufferPointer
  /// Called with the memory when it is not needed any more.
  private let letGo: @Sendable (UnsafeRawBufferPointer) -> Void

  /// Takes memory that stays as it is until `letGo` is called: once, on any thread, whatever lock that holds.
  init(
    _ bytes: UnsafeRawBufferPointer,
    letGo: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.bytes = bytes
    self.letGo = letGo
  }

  /// More is not taken from the other side, in bytes: it would have to be mapped.
  private static let limit = 1 << 36

  /// Takes memory that came with a message.
  ///
  /// - Throws: `MalformedFrame` where it is not as `fill` makes it.
  package init(mapping file: borrowing FileDescriptor) throws(MalformedFrame) {
    // Sealed first: from then on the size does not change.
    let isSealed = plugin_is_sealed(file.number) == 1
    let status = file.status()
    let size = Int(status.st_size)
    guard isSealed, size > 0, size <= Self.limit else {
      throw MalformedFrame("what came with a message is no sealed memory")
    }
    // Reading a hole would fill it, with memory of the reader's. Blocks are of 512 bytes.
    guard Int(status.st_blocks) >= (size + 511) / 512 else {
      throw MalformedFrame("memory of \(size) bytes was not written")
    }
    bytes = try Self.map(file, size)
    letGo = Self.unmap
  }

  deinit { letGo(bytes) }

  /// Maps a file to be read.
  static func map(
    _ file: borrowing FileDescriptor, _ size: Int
  ) throws(MalformedFrame) -> UnsafeRawBufferPointer {
    // At once rather than page by page: all of it is going to be read.
    let flags = MAP_SHARED | MAP_POPULATE
    guard let place = mmap(nil, size, PROT_READ, flags, file.number, 0), place != MAP_FAILED else {
      throw MalformedFrame("\(size) bytes cannot be mapped: \(String(cString: strerror(errno)))")
    }
    return UnsafeRawBufferPointer(start: place, count: size)
  }

  static let unmap: @Sendable (UnsafeRawBufferPointer) -> Void = {
    munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
  }

  /// A part of it, which keeps all of it.
  ///
  /// - Returns: nil where it is outside.
  func blob(at offset: UInt64, count: UInt64, after start: Int) -> Blob? {
    guard start <= bytes.count, offset <= UInt64(bytes.count - start),
      count <= UInt64(bytes.count - start) - offset
    else { return nil }
    let first = start + Int(offset)
    return Blob(donated: UnsafeRawBufferPointer(rebasing: bytes[first..<first + Int(count)])) {
      withExtendedLifetime(self) {}
    }
  }

  /// Makes memory with the parts of a frame in it.
  ///
  /// The parts are written and not mapped: so no page is made empty first.
  ///
  /// - Parameter parts: With their places, which may leave gaps.
  /// - Returns: The number of an open file; -1 with `errno` where the system has no more.
  static func fill(_ size: Int, _ parts: [(offset: Int, blob: Blob)]) -> CInt {
    let file = ChildSystem.makeSharedMemory()
    guard file >= 0 else { return -1 }
    let isFilled =
      ftruncate(file, off_t(size)) == 0
      && parts.allSatisfy { part in
        part.blob.withUnsafeBytes { write($0, to: file, at: part.offset) }
      }
    if isFilled && ChildSystem.seal(file) { return file }
    let fault = errno
    close(file)
    errno = fault
    return -1
  }

  private static func write(
    _ bytes: UnsafeRawBufferPointer, to file: CInt, at offset: Int
  ) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        file, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
