internal import Glibc
internal import JSON

/// Reads what `CallRecorder` has written.
package struct RecordReader {
  /// The first member of a file's first line; its value is the version of the format.
  static let mark = "bridge_host_record"
  static let version: Int64 = 1

  /// A file of a record.
  package struct File: Sendable {
    /// Where it is.
    package let path: String
    /// Its lines, without the header.
    package fileprivate(set) var lines: [Line] = []
    fileprivate var header = ""
    /// Patterns of what is hidden in it.
    package fileprivate(set) var masks = Masks([])
  }

  /// A line of a file.
  package enum Line: Sendable {
    /// With its text, which `--update` leaves as it is where nothing has changed.
    case call(RecordedCall, text: String)
    /// So many calls were not written.
    case dropped(Int, text: String)
    /// What cannot be read, and why.
    case unreadable(String, text: String)

    var text: String {
      switch self {
      case .call(_, let text), .dropped(_, let text), .unreadable(_, let text): text
      }
    }
  }

  /// The files of a record, oldest first.
  ///
  /// - Parameter path: A directory, or one file.
  /// - Throws: `RecordError` where there is none.
  package static func files(at path: String) throws(RecordError) -> [String] {
    if path.hasSuffix(".jsonl") { return [path] }
    let names = RecordPaths.names(in: path).filter {
      $0.hasPrefix("calls-") && $0.hasSuffix(".jsonl")
    }
    guard !names.isEmpty else { throw RecordError("there is no record in \(path)") }
    return names.map { "\(path)/\($0)" }
  }

  /// Reads a file.
  ///
  /// - Throws: `RecordError` where it is none of a record.
  package static func read(_ path: String) throws(RecordError) -> File {
    guard let content = RecordPaths.content(path) else {
      throw RecordError("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    let texts = content.split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard let first = texts.first, let header = try? JSON(parsing: first),
      case .integer(let version)? = header[mark]
    else { throw RecordError("\(path) is no record of calls") }
    guard version == Self.version else {
      throw RecordError("\(path) is of format \(version), and this program reads \(Self.version)")
    }
    var file = File(path: path)
    file.header = first
    if case .array(let masks)? = header["masks"] {
      file.masks = Masks(
        masks.compactMap { if case .string(let text) = $0 { text } else { nil } })
    }
    let decoder = RecordDecoder(files: WrittenValues(directory: RecordPaths.values(of: path)))
    for text in texts.dropFirst() { file.lines.append(line(text, decoder)) }
    return file
  }

  private static func line(_ text: String, _ decoder: RecordDecoder) -> Line {
    do {
      let json = try JSON(parsing: text)
      if case .integer(let count)? = json["dropped"] { return .dropped(Int(count), text: text) }
      return .call(try decoder.call(json), text: text)
    } catch {
      // As the last line of a host that was killed.
      return .unreadable("\(error)", text: text)
    }
  }

  /// Writes a file anew, with other calls in some of its lines.
  ///
  /// - Throws: `RecordError`; then the file is as it was.
  package static func update(
    _ file: File, _ calls: [Int: RecordedCall]
  ) throws(RecordError) {
    let values = WrittenValues(directory: RecordPaths.values(of: file.path))
    var lines = [file.header]
    for (index, line) in file.lines.enumerated() {
      guard let call = calls[index] else {
        lines.append(line.text)
        continue
      }
      var encoder = RecordEncoder(file.masks, values)
      lines.append(encoder.json(call).text)
    }
    let new = file.path + ".new"
    unlink(new)
    let number = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard number >= 0 else {
      throw RecordError("\(new) cannot be made: \(String(cString: strerror(errno)))")
    }
    defer { close(number) }
    try RecordFiles.write(
      lines.map { Array($0.utf8) + [UInt8(ascii: "\n")] }.flatMap(\.self), to: number, new)
    guard fsync(number) == 0, rename(new, file.path) == 0 else {
      throw RecordError("\(file.path) cannot be replaced: \(String(cString: strerror(errno)))")
    }
  }
}
