internal import CPluginCalls
internal import Glibc
internal import TrustedFiles

/// A copy of a shared object that nobody can change, not even its owner: what was checked is what runs,
/// whatever is written over the file later.
///
/// It lives in memory and has a path for as long as this object does.
///
/// Source: memfd_create(2), fcntl(2) under "File Sealing".
final class PrivateFile: Sendable {
  private let descriptor: CInt

  /// Larger files are refused.
  private static let sizeLimit = 2 << 30

  /// Copies a file.
  ///
  /// - Parameter name: What memory maps and debuggers show.
  /// - Throws: `PluginError`.
  init(copying file: borrowing TrustedFile, name: String) throws(PluginError) {
    let size = Int(file.descriptor.status().st_size)
    guard size <= Self.sizeLimit else {
      throw PluginError("it has \(size) bytes, more than the \(Self.sizeLimit) that are taken")
    }
    let number = plugin_memory_file(name)
    guard number >= 0 else { throw Self.error("it cannot be copied") }
    descriptor = number
    try copy(file.descriptor.number)
  }

  /// Takes over a copy that another process has made and sealed.
  init(owning descriptor: CInt) { self.descriptor = descriptor }

  /// The number of the open file; valid as long as this object lives.
  var number: CInt { descriptor }

  /// Writes eight bytes into the copy. Before it is sealed.
  ///
  /// - Throws: `PluginError`.
  func write(_ value: UInt64, at offset: UInt64) throws(PluginError) {
    var value = value.littleEndian
    guard pwrite(descriptor, &value, 8, off_t(offset)) == 8 else {
      throw Self.error("its copy cannot be written")
    }
  }

  /// Nobody changes it any more.
  ///
  /// - Throws: `PluginError`.
  func seal() throws(PluginError) {
    guard plugin_seal(descriptor) == 0 else { throw Self.error("its copy cannot be sealed") }
  }

  deinit { close(descriptor) }

  private func copy(_ source: CInt) throws(PluginError) {
    var offset: off_t = 0
    while true {
      let count = sendfile(descriptor, source, &offset, 1 << 30)
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error("it cannot be copied")
      }
      if count == 0 { return }
      guard offset <= Self.sizeLimit else {
        throw PluginError("it has more than the \(Self.sizeLimit) bytes that are taken")
      }
    }
  }

  private static func error(_ what: String) -> PluginError {
    PluginError("\(what): \(String(cString: strerror(errno)))")
  }

  /// A path that leads to the copy.
  var path: String { "/proc/self/fd/\(descriptor)" }

  /// The content.
  ///
  /// - Throws: `PluginError`, or what `body` throws.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    var status = stat()
    fstat(descriptor, &status)
    let size = Int(status.st_size)
    if size == 0 { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    // MAP_FAILED: no memory is left.
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      memory != UnsafeMutableRawPointer(bitPattern: -1)
    else { throw Self.error("it cannot be read") }
    defer { munmap(memory, size) }
    return try body(UnsafeRawBufferPointer(start: memory, count: size))
  }
}
