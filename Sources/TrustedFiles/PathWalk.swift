internal import Glibc

/// Follows a path from the root, one name at a time, and checks each step before it takes the next.
///
/// Each name is looked up in the directory that is held open, never by the path: whoever cannot
/// write that directory cannot change what the name means. Links are followed by hand, so that the
/// directories they lead through are checked as well.
struct PathWalk: ~Copyable {
  /// What the user named, for messages.
  private let given: String
  /// The directory that was reached.
  private var directory: FileDescriptor
  /// Its names from the root.
  private var names: [String] = []
  /// Names still to follow, the next one last.
  private var rest: [String]
  private var linkCount = 0

  /// As many as Linux follows. Source: path_resolution(7).
  private static let maxLinks = 40
  /// O_PATH, which Swift does not see because it is a GNU extension: it needs no permission to read
  /// the directory. Source: Linux, include/uapi/asm-generic/fcntl.h.
  private static let pathOnly: CInt = 0o10_000_000

  /// - Parameter path: Relative ones begin in the working directory of now.
  init(to path: String) throws(TrustedFileError) {
    // Everything that can fail comes before the first member: Swift does not yet undo half of a
    // value that cannot be copied.
    let names = try Self.names(ofPath: path)
    let root = try Self.openRoot(path)
    given = path
    directory = root
    rest = names.reversed()
  }

  /// Opens the file at the end of the path.
  mutating func openFile() throws(TrustedFileError) -> FileDescriptor {
    guard let (status, name) = try findTarget(), status.st_mode & S_IFMT == S_IFREG else {
      throw TrustedFileError(.wrongKind, "\(given) is not a regular file")
    }
    try checkOwner(status, realPath)
    guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else { throw writable(realPath) }
    // Not blocking: should a pipe have come in its place, opening it must not wait for a writer.
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    let file = try FileDescriptor(opened: openat(directory.number, name, flags), realPath)
    let opened = file.status()
    guard opened.st_dev == status.st_dev, opened.st_ino == status.st_ino else {
      throw TrustedFileError(.wrongKind, "\(realPath) was replaced while it was opened")
    }
    return file
  }

  /// Opens the directory at the end of the path.
  mutating func openDirectory() throws(TrustedFileError) -> FileDescriptor {
    guard try findTarget() == nil else {
      throw TrustedFileError(.wrongKind, "\(given) is not a directory")
    }
    try checkDirectory(directory.status(), isTarget: true)
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    return try FileDescriptor(opened: openat(directory.number, ".", flags), realPath)
  }

  /// Checks the socket at the end of the path.
  mutating func checkSocket() throws(TrustedFileError) {
    guard let (status, _) = try findTarget(), status.st_mode & S_IFMT == S_IFSOCK else {
      throw TrustedFileError(.wrongKind, "\(given) is not a socket")
    }
    try checkOwner(status, realPath)
  }

  /// Follows all names.
  ///
  /// - Returns: The last name with its status, when it is not a directory; `directory` holds it
  ///   then. Nil when the path ends at `directory`.
  private mutating func findTarget() throws(TrustedFileError) -> (stat, String)? {
    try checkDirectory(directory.status(), isTarget: false)
    while let name = rest.popLast() {
      if name == ".." {
        try enter("..")
        if !names.isEmpty { names.removeLast() }
        continue
      }
      var status = stat()
      names.append(name)
      guard fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
        throw TrustedFileError(reading: realPath)
      }
      switch status.st_mode & S_IFMT {
      case S_IFLNK:
        try checkOwner(status, realPath)
        try follow(name)
      case S_IFDIR:
        try enter(name)
        try checkDirectory(directory.status(), isTarget: false)
      default:
        guard rest.isEmpty else {
          throw TrustedFileError(.system(ENOTDIR), "\(realPath) is not a directory")
        }
        return (status, name)
      }
    }
    return nil
  }

  private mutating func enter(_ name: String) throws(TrustedFileError) {
    let flags = Self.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    directory = try FileDescriptor(opened: openat(directory.number, name, flags), realPath)
  }

  private mutating func follow(_ link: String) throws(TrustedFileError) {
    linkCount += 1
    guard linkCount <= Self.maxLinks else {
      throw TrustedFileError(.system(ELOOP), "\(given) leads through too many links")
    }
    // Nothing where it cannot be read: the system makes no links to nothing.
    let target = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { target, count in
      count = max(0, readlinkat(directory.number, link, target.baseAddress!, target.count))
    }
    guard !target.isEmpty else { throw TrustedFileError(reading: realPath) }
    let text = String(decoding: target, as: UTF8.self)
    names.removeLast()
    if Self.isAbsolute(text) {
      directory = try Self.openRoot(given)
      names = []
    }
    rest += Self.names(of: text).reversed()
  }

  // MARK: What is checked

  private func checkDirectory(_ status: stat, isTarget: Bool) throws(TrustedFileError) {
    try checkOwner(status, realPath)
    let isShared = status.st_mode & (S_IWGRP | S_IWOTH) != 0
    // In a sticky directory only the owner of an entry, or of the directory, can replace it. The
    // owner of what is found there is checked as everywhere.
    if isShared && (isTarget || status.st_mode & S_ISVTX == 0) { throw writable(realPath) }
  }

  private func checkOwner(_ status: stat, _ path: String) throws(TrustedFileError) {
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw TrustedFileError(
        .wrongOwner,
        "\(onTheWay(path)) belongs to user \(status.st_uid), not to this user (\(geteuid())) or root"
      )
    }
  }

  private func writable(_ path: String) -> TrustedFileError {
    TrustedFileError(
      .writableByOthers,
      "\(onTheWay(path)) can be written by others than its owner; run: chmod go-w \"\(path)\"")
  }

  /// The path, and what for it was looked at if that does not speak for itself.
  private func onTheWay(_ path: String) -> String {
    path == given ? path : "\(path) (on the way to \(given))"
  }

  /// The path so far, without links.
  var realPath: String { "/" + names.joined(separator: "/") }

  // MARK: Paths

  private static func openRoot(_ given: String) throws(TrustedFileError) -> FileDescriptor {
    try FileDescriptor(opened: open("/", pathOnly | O_DIRECTORY | O_CLOEXEC), given)
  }

  private static func names(ofPath path: String) throws(TrustedFileError) -> [String] {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw TrustedFileError(.system(ENOENT), "\"\(path)\" is not a path")
    }
    if isAbsolute(path) { return names(of: path) }
    guard let working = getcwd(nil, 0) else { throw TrustedFileError(reading: path) }
    defer { free(working) }
    return names(of: String(cString: working)) + names(of: path)
  }

  // Paths are bytes: to Swift, a slash with a combining mark after it is another character.

  private static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

  private static func names(of path: String) -> [String] {
    path.utf8.split(separator: UInt8(ascii: "/")).compactMap { name in
      name.elementsEqual(".".utf8) ? nil : String(Substring(name))
    }
  }
}
