internal import Glibc

/// The file of a Unix domain socket that this process listens on.
struct UnixSocket: Sendable {
  let path: String
  /// Which file it was when it was made: a later server may have put its own in its place.
  private let device: UInt64
  private let inode: UInt64

  /// Connections that may wait to be accepted.
  static let backlog: CInt = 1024

  /// Makes a socket and binds it, so that only users whom `permissions` allow can ever connect.
  ///
  /// A file that a server left behind is replaced; one that a server listens on is an error. Two
  /// servers that start at once are kept apart by a lock on the directory.
  ///
  /// - Returns: The bound descriptor, which the caller owns, and its file.
  static func bind(
    path: String, permissions: mode_t
  ) throws(TransportError) -> (descriptor: CInt, file: UnixSocket) {
    func failure(_ reason: String) -> TransportError {
      TransportError("cannot listen on unix:\(path): \(reason)")
    }
    guard var address = address(of: path) else {
      throw failure("the path is longer than \(longestPath) bytes")
    }
    let lock = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw failure(TransportError.lastReason) }
    defer { close(lock) }
    // Anybody may hold a lock on a shared directory: it is waited for, but not for ever.
    var attempts = 0
    while flock(lock, LOCK_EX | LOCK_NB) != 0, attempts < 100 {
      attempts += 1
      usleep(10_000)
    }

    var status = stat()
    if lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw failure("a file that is not a socket is in the way")
      }
      if isServed(&address) { throw failure("a running server listens there") }
      unlink(path)
    }

    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(TransportError.lastReason) }
    // Linux gives the file the mode of the unbound socket: there is no moment at which others may
    // connect, and the process's umask is left alone.
    fchmod(descriptor, permissions)
    guard withSocketAddress(&address, { Glibc.bind(descriptor, $0, $1) }) == 0,
      lstat(path, &status) == 0
    else {
      let reason = TransportError.lastReason
      close(descriptor)
      throw failure(reason)
    }
    chmod(path, permissions)  // The umask took its part of the mode.
    return (
      descriptor,
      UnixSocket(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    )
  }

  /// Connects to a server's socket. It does not wait: whether there is a server shows at once.
  ///
  /// - Parameter requiresOwner: Whether the server must run as this user or root.
  /// - Returns: A descriptor that does not block, which the caller owns.
  static func connect(path: String, requiresOwner: Bool) throws(TransportError) -> CInt {
    guard var address = address(of: path) else {
      throw TransportError("the path is longer than \(longestPath) bytes")
    }
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw TransportError(TransportError.lastReason) }
    guard withSocketAddress(&address, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let reason = TransportError.lastReason
      close(descriptor)
      throw TransportError(reason)
    }
    if requiresOwner, let reason = distrust(of: peer(of: descriptor)) {
      close(descriptor)
      throw TransportError(reason)
    }
    return descriptor
  }

  /// Who listens at the other end of a connected socket: SO_PEERCRED of socket(7) tells who called
  /// listen(2).
  private static func peer(of descriptor: CInt) -> uid_t? {
    // struct ucred, which is declared for GNU programs alone: process, user, group.
    var credentials: [UInt32] = [0, 0, 0]
    let size = socklen_t(MemoryLayout<UInt32>.stride * credentials.count)
    var length = size
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0,
      length == size
    else { return nil }
    return credentials[1]
  }

  /// Why a server is not told secrets; nil when it may be.
  ///
  /// - Parameter user: Who it runs as; nil when the system does not say.
  static func distrust(of user: uid_t?) -> String? {
    guard let user else { return "the system does not tell who listens there" }
    if user == 0 || user == geteuid() { return nil }
    return "the user \(user) listens there, who is neither this user nor root"
  }

  /// Removes the file, unless it has become another server's.
  func remove() {
    var status = stat()
    guard lstat(path, &status) == 0, UInt64(status.st_dev) == device,
      UInt64(status.st_ino) == inode
    else { return }
    unlink(path)
  }

  /// Whether a server accepts connections there. One with a full backlog does.
  private static func isServed(_ address: inout sockaddr_un) -> Bool {
    let probe = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard probe >= 0 else { return true }
    defer { close(probe) }
    return withSocketAddress(&address, { Glibc.connect(probe, $0, $1) }) == 0
      || (errno != ECONNREFUSED && errno != ENOENT)
  }

  private static var longestPath: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1 }

  private static func address(of path: String) -> sockaddr_un? {
    let bytes = Array(path.utf8)
    guard bytes.count <= longestPath, !bytes.contains(0) else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
  }

  private static func withSocketAddress(
    _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
