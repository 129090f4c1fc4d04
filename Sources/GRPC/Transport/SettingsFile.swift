internal import Glibc
internal import TrustedFiles

/// Files that are read whole: certificates, keys, tokens. Only this user or root may be able to write
/// them.
enum SettingsFile {
  /// None of them is longer than this.
  private static let limit = 1 << 20

  /// - Parameter kind: What the file is to hold, for the error: "certificate", "token".
  static func read(_ path: String, kind: String) throws(TransportError) -> [UInt8] {
    do throws(TrustedFileError) {
      return try TrustedFile(path).read(limit: limit)
    } catch {
      if case .system(let number) = error.code {
        let reason = String(cString: strerror(number))
        throw TransportError("the \(kind) file \(path) cannot be read: \(reason)")
      }
      throw TransportError("the \(kind) file is not used: \(error.message)")
    }
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
