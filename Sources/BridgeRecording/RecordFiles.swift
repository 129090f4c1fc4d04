internal import Glibc
internal import JSON

/// Files that a process writes calls into: JSON Lines, the first line of each tells what it is.
///
/// The oldest goes where all together would pass their bound. Nobody but this user can read them.
/// Not thread-safe.
final class RecordFiles {
  private let directory: String
  private let prefix: String
  private let header: JSON
  /// What all files may take together, and after how much of it a new one begins: bytes.
  private let limit: Int
  private let fileLimit: Int
  private var files: [(path: String, size: Int)] = []
  private var last = 0
  private var file: CInt = -1
  private var values: Values?

  /// What lies beside one file.
  private final class Values {
    let path: String
    var digests: Set<String> = []

    init(_ path: String) { self.path = path }
  }

  /// - Throws: `RecordError` where the directory cannot be had.
  init(_ directory: String, limit: Int, header: [JSON.Member], startedAt: Int64) throws(RecordError)
  {
    self.directory = directory
    self.limit = limit
    fileLimit = max(limit / 8, 1)
    prefix = "\(directory)/calls-\(startedAt / 1_000_000)-\(getpid())"
    self.header = .object(header)
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw RecordError("\(directory) cannot be made: \(String(cString: strerror(errno)))")
    }
    // Seen now rather than at the first call.
    try next()
  }

  deinit { if file >= 0 { close(file) } }

  /// Begins a file.
  private func next() throws(RecordError) {
    if file >= 0 { close(file) }
    last += 1
    let number = String(last)
    let path =
      "\(prefix)-" + String(repeating: "0", count: max(0, 6 - number.count)) + number + ".jsonl"
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_APPEND, 0o600)
    guard file >= 0 else {
      throw RecordError("\(path) cannot be made: \(String(cString: strerror(errno)))")
    }
    files.append((path, 0))
    values = Values(RecordPaths.values(of: path))
    try append(header)
  }

  /// Adds a line.
  func append(_ line: JSON) throws(RecordError) {
    let bytes = Array(line.text.utf8) + [UInt8(ascii: "\n")]
    if files[files.count - 1].size > 0,
      files[files.count - 1].size + bytes.count > fileLimit
    {
      try next()
    }
    try Self.write(bytes, to: file, files[files.count - 1].path)
    files[files.count - 1].size += bytes.count
    dropOldest()
  }

  private var size: Int { files.reduce(0) { $0 + $1.size } }

  private func dropOldest() {
    while size > limit, files.count > 1 {
      let oldest = files.removeFirst()
      unlink(oldest.path)
      RecordPaths.remove(RecordPaths.values(of: oldest.path))
    }
  }

  static func write(
    _ bytes: [UInt8], to file: CInt, _ path: String
  ) throws(RecordError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress! + done, bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw RecordError("\(path) cannot be written: \(String(cString: strerror(errno)))")
      }
      done += count
    }
  }
}

extension RecordFiles: ValueFiles {
  func write(_ bytes: [UInt8], digest: String) -> Bool {
    guard let values, bytes.count <= fileLimit else { return false }
    if values.digests.contains(digest) { return true }
    guard RecordPaths.write(bytes, digest: digest, in: values.path) else { return false }
    values.digests.insert(digest)
    files[files.count - 1].size += bytes.count
    return true
  }

  func read(digest: String) -> [UInt8]? { nil }
}

/// Names of what lies beside a record, and what is done with it.
enum RecordPaths {
  /// Where the large values of a file lie.
  static func values(of path: String) -> String {
    String(path.dropLast(".jsonl".count)) + ".values"
  }

  static func write(_ bytes: [UInt8], digest: String, in directory: String) -> Bool {
    guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { return false }
    let path = "\(directory)/\(digest)"
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { return errno == EEXIST }
    defer { close(file) }
    do {
      try RecordFiles.write(bytes, to: file, path)
      return true
    } catch {
      unlink(path)
      return false
    }
  }

  static func remove(_ directory: String) {
    for name in names(in: directory) { unlink("\(directory)/\(name)") }
    rmdir(directory)
  }

  /// The names in a directory, sorted; none where there is no directory.
  static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// What a file holds; nil with `errno` where it cannot be read.
  static func content(_ path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var content: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(file, &part, part.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { return nil }
      if count == 0 { return content }
      content += part[..<count]
    }
  }
}

/// The large values beside a file that was written before.
struct WrittenValues: ValueFiles {
  let directory: String

  func write(_ bytes: [UInt8], digest: String) -> Bool {
    RecordPaths.write(bytes, digest: digest, in: directory)
  }

  func read(digest: String) -> [UInt8]? { RecordPaths.content("\(directory)/\(digest)") }
}
