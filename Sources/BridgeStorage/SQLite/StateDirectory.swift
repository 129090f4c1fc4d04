internal import Glibc
internal import TrustedFiles

/// The directory of a database: who may write it, and whether it is still where it was.
///
/// A process goes on writing a file whose name is gone. What is stored must be found under its name
/// after a restart, so names are looked at as well.
final class StateDirectory {
  /// What tells a file or directory from all others while it is there.
  private struct Identity: Equatable {
    let device: dev_t
    let inode: ino_t

    init(_ status: stat) {
      device = status.st_dev
      inode = status.st_ino
    }
  }

  /// As the host was given it.
  private let given: String
  private let directory: TrustedDirectory
  private let identity: Identity
  /// The files that must stay, by name, as they were found first.
  private var files: [String: Identity] = [:]

  static let databaseName = "sessions.sqlite"
  private static let logName = databaseName + "-wal"

  /// The database's path, without links.
  var databasePath: String { "\(directory.path)/\(Self.databaseName)" }

  /// Makes the directory if there is none, and checks it and the files of the database.
  ///
  /// - Throws: `StorageError` when others could have written it, or a file is a link or no file.
  init(_ path: String) throws(StorageError) {
    if mkdir(path, 0o700) != 0 && errno != EEXIST {
      throw StorageError(
        "state directory \(path) cannot be made: \(String(cString: strerror(errno)))")
    }
    let opened: TrustedDirectory
    do {
      opened = try TrustedDirectory(path)
    } catch {
      throw StorageError("the state directory is not used: \(error.message)")
    }
    given = path
    directory = opened
    identity = Identity(directory.descriptor.status())
    for suffix in ["", "-wal", "-shm", "-journal"] {
      try Self.checkFile(Self.databaseName + suffix, in: directory)
    }
    // SQLite gives the files beside it the same permissions.
    let number = openat(
      directory.descriptor.number, Self.databaseName,
      O_CREAT | O_CLOEXEC | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard number >= 0 else {
      throw StorageError("\(databasePath) cannot be used: \(String(cString: strerror(errno)))")
    }
    let file = FileDescriptor(owning: number)
    files[Self.databaseName] = Identity(file.status())
  }

  /// Checks a file that is there, and closes it to others who can read it.
  private static func checkFile(
    _ name: String, in directory: borrowing TrustedDirectory
  ) throws(StorageError) {
    let path = "\(directory.path)/\(name)"
    var status = stat()
    guard fstatat(directory.descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return }
      throw StorageError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
      throw StorageError("\(path) is a link or no regular file: it is not used")
    }
    guard status.st_uid == geteuid() else {
      throw StorageError(
        "\(path) belongs to user \(status.st_uid), not to this user (\(geteuid())): it is not used")
    }
    guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      throw StorageError(
        "\(path) can be written by others than its owner: it is not used; if you trust it, run: "
          + "chmod 600 \"\(path)\"")
    }
    if status.st_mode & 0o077 != 0, fchmodat(directory.descriptor.number, name, 0o600, 0) != 0 {
      throw StorageError("\(path) cannot be closed to others: \(String(cString: strerror(errno)))")
    }
  }

  /// Whether what the database writes will be found under the directory's name.
  ///
  /// - Throws: `StorageError` when the directory or a file was removed, renamed or replaced.
  func checkIsInPlace() throws(StorageError) {
    var status = stat()
    guard stat(given, &status) == 0, Identity(status) == identity else {
      throw StorageError("the state directory \(given) was removed, renamed or replaced")
    }
    for (name, file) in files {
      guard fstatat(directory.descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
        Identity(status) == file
      else {
        throw StorageError("\(directory.path)/\(name) was removed, renamed or replaced")
      }
    }
  }

  /// Notes the log that SQLite has made.
  func noteLog() {
    var status = stat()
    guard fstatat(directory.descriptor.number, Self.logName, &status, AT_SYMLINK_NOFOLLOW) == 0
    else { return }
    files[Self.logName] = Identity(status)
  }
}
