internal import Glibc

/// What files were when they were looked at. Where two are the same, nothing was changed.
struct PluginStamp: Hashable {
  private struct File: Hashable {
    let device, inode: UInt64
    let size: Int64
    /// When it was written, and when anything of it changed; nanoseconds since 1970.
    let written, changed: Int64
  }

  /// nil for one that is not there.
  private let files: [File?]

  /// Looks at files. Links are followed.
  init(of paths: [String]) { files = paths.map(Self.look) }

  private static func look(_ path: String) -> File? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return File(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      written: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
