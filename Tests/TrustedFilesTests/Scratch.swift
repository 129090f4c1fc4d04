import Glibc

/// A directory below /tmp that goes away with this value.
final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/trusted-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template)!)
  }

  deinit { remove(path) }

  /// Makes a directory.
  @discardableResult
  func directory(_ name: String, mode: mode_t = 0o755) -> String {
    let path = "\(self.path)/\(name)"
    precondition(mkdir(path, 0o700) == 0)
    chmod(path, mode)
    return path
  }

  /// Makes a file with this content.
  @discardableResult
  func file(_ name: String, _ content: String = "content", mode: mode_t = 0o644) -> String {
    let path = "\(self.path)/\(name)"
    let file = fopen(path, "w")!
    fputs(content, file)
    fclose(file)
    chmod(path, mode)
    return path
  }

  /// Makes a link to a path.
  @discardableResult
  func link(_ name: String, to target: String) -> String {
    let path = "\(self.path)/\(name)"
    precondition(symlink(target, path) == 0)
    return path
  }

  private func remove(_ path: String) {
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name != ".", name != ".." else { continue }
        var status = stat()
        lstat("\(path)/\(name)", &status)
        if status.st_mode & S_IFMT == S_IFDIR { remove("\(path)/\(name)") }
        unlink("\(path)/\(name)")
      }
      closedir(stream)
    }
    rmdir(path)
  }
}
