internal import Glibc
public import JSON

/// Has clang read a header.
public struct HeaderReader {
  /// Why a header cannot be read.
  public struct Fault: Error, CustomStringConvertible {
    /// A sentence for a person.
    public let description: String
  }

  private let clang: String
  private let include: [String]

  /// - Parameters:
  ///   - clang: The program, by a path or a name that PATH has.
  ///   - include: Directories of headers.
  public init(clang: String, include: [String] = []) {
    self.clang = clang
    self.include = include
  }

  /// Reads a header. What clang finds wrong in it goes to standard error.
  ///
  /// - Returns: Its syntax tree.
  /// - Throws: `Fault`.
  public func read(_ header: String) throws(Fault) -> JSON {
    let arguments =
      [
        clang, "-x", "c", "-fsyntax-only", "-Wno-pragma-once-outside-header", "-Xclang",
        "-ast-dump=json",
      ]
      + include.flatMap { ["-I", $0] } + ["--", header]
    let (text, status) = try run(arguments)
    guard status == 0 else { throw Fault(description: "\(clang) cannot read \(header)") }
    do {
      return try JSON(parsing: text)
    } catch {
      throw Fault(description: "what \(clang) says of \(header) cannot be read: \(error)")
    }
  }

  /// Runs a program to its end.
  ///
  /// - Returns: What it has written, and how it ended, as of wait(2).
  private func run(_ arguments: [String]) throws(Fault) -> ([UInt8], status: CInt) {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw Fault(description: String(cString: strerror(errno)))
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var texts = arguments.map { strdup($0) } + [nil]
    defer { for text in texts { free(text) } }
    var process: pid_t = 0
    let fault = posix_spawnp(&process, arguments[0], &actions, nil, &texts, environ)
    close(ends[1])
    guard fault == 0 else {
      let advice =
        fault == ENOENT
        ? ": install it (Debian: apt-get install clang), or name it with --clang" : ""
      throw Fault(
        description: "cannot run \(arguments[0]): \(String(cString: strerror(fault)))\(advice)")
    }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(ends[0], &part, part.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      text += part[..<count]
    }
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return (text, status)
  }
}
