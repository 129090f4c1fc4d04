internal import Glibc

/// Files that are read whole: certificates, keys, tokens.
enum SettingsFile {
  /// None of them is longer than this.
  private static let limit = 1 << 20

  /// - Parameter kind: What the file is to hold, for the error: "certificate", "token".
  static func read(_ path: String, kind: String) throws(TransportError) -> [UInt8] {
    // Not blocking: a pipe in the place of a file must not stop the program.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(path, kind) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(path, kind)
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else {
        throw TransportError("the \(kind) file \(path) is larger than \(limit) bytes")
      }
    }
  }

  private static func failure(_ path: String, _ kind: String) -> TransportError {
    TransportError("the \(kind) file \(path) cannot be read: \(TransportError.lastReason)")
  }

  /// Whether a file that holds a secret can be read by others than its owner and group.
  static func isOpenToEverybody(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
  }

  /// What tells one state of a file from another without reading it. Links are followed.
  struct Stamp: Sendable, Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let modified: (Int, Int)
    private let changed: (Int, Int)

    /// Nil when there is no such file.
    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      modified = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
      changed = (status.st_ctim.tv_sec, status.st_ctim.tv_nsec)
    }

    static func == (left: Stamp, right: Stamp) -> Bool {
      left.device == right.device && left.inode == right.inode && left.size == right.size
        && left.modified == right.modified && left.changed == right.changed
    }
  }
}
