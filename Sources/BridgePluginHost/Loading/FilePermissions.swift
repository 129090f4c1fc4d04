internal import Glibc

/// A plugin directory is code execution: what others can write is refused.
enum FilePermissions {
  /// Checks a file or directory, following links.
  ///
  /// - Throws: `PluginError` when it cannot be read, belongs to somebody else than this user or
  ///   root, or can be written by a group or by everybody.
  static func check(_ path: String) throws(PluginError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw PluginError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw PluginError(
        "\(path) belongs to user \(status.st_uid), not to this user (\(geteuid())) or root")
    }
    if status.st_mode & (S_IWGRP | S_IWOTH) != 0 {
      throw PluginError(
        "\(path) can be written by others than its owner; run: chmod go-w \"\(path)\"")
    }
  }

  /// As `check`, of a file that is about to be read: opening a pipe or device could take forever.
  static func checkFile(_ path: String) throws(PluginError) {
    try check(path)
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw PluginError("\(path) is not a regular file")
    }
  }

  /// The names in a directory, sorted.
  static func entries(of directory: String) throws(PluginError) -> [String] {
    guard let stream = opendir(directory) else {
      throw PluginError(
        "plugin directory \(directory) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The absolute path behind links and dots.
  static func absolute(_ path: String) throws(PluginError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw PluginError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The content of a file.
  ///
  /// - Parameter limit: A longer file is refused.
  static func read(_ path: String, limit: Int) throws(PluginError) -> [UInt8] {
    guard let file = fopen(path, "re") else {
      throw PluginError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
      if bytes.count > limit { throw PluginError("\(path) is larger than \(limit) bytes") }
    }
    if ferror(file) != 0 {
      throw PluginError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    return bytes
  }
}
