internal import ArgumentParser
internal import TrustedFiles

/// Options of `serve` or `worker` in a file: `name = value`, a line each, with the names of the command line.
///
///     # Comments and empty lines are skipped.
///     port = 50051
///     listen = unix:/run/bridge.sock
///     reflection = false
///
/// `true` and `false` are for flags. An option that is also on the command line counts as it stands
/// there alone.
struct ConfigurationFile {
  /// One line with an option.
  struct Entry: Equatable {
    let line: Int
    let name: String
    let value: String

    /// The option as the command line has it.
    var arguments: [String] {
      switch value {
      case "true": ["--\(name)"]
      case "false": ["--no-\(name)"]
      default: ["--\(name)", value]
      }
    }
  }

  let path: String
  let entries: [Entry]

  /// No configuration is longer.
  private static let limit = 1 << 20

  /// Reads a file, which only this user or root may have written.
  init(path: String) throws {
    self.path = path
    let bytes: [UInt8]
    do throws(TrustedFileError) {
      bytes = try TrustedFile(path).read(limit: Self.limit)
    } catch {
      throw PlainError("the configuration file is not used: \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PlainError("\(path) is not UTF-8")
    }
    entries = try Self.entries(of: text, path: path)
  }

  static func entries(of text: String, path: String) throws -> [Entry] {
    var entries: [Entry] = []
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (index, line) in lines.enumerated() {
      let line = trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let equals = line.firstIndex(of: "="), case let name = trimmed(line[..<equals]),
        !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !name.hasPrefix("-")
      else {
        throw PlainError("\(path), line \(index + 1): this is not \"name = value\": \(line)")
      }
      guard name != "config" else {
        throw PlainError("\(path), line \(index + 1): a configuration file cannot name another")
      }
      let value = String(trimmed(line[line.index(after: equals)...]))
      entries.append(Entry(line: index + 1, name: String(name), value: value))
    }
    return entries
  }

  private static func trimmed(_ text: some StringProtocol) -> Substring {
    var text = Substring(text)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// Puts the options of the file before those of the command line.
  ///
  /// - Parameter arguments: What follows `serve`.
  func merged(with arguments: [String]) -> [String] {
    let given = Set(arguments.compactMap(Self.optionName))
    return entries.filter { !given.contains($0.name) }.flatMap(\.arguments) + arguments
  }

  /// The name of an option or flag, without `--`, `no-` and its value.
  static func optionName(_ argument: String) -> String? {
    guard argument.hasPrefix("--") else { return nil }
    let name = argument.dropFirst(2).prefix { $0 != "=" }
    return String(name.hasPrefix("no-") ? name.dropFirst(3) : name)
  }

  /// The first line that is wrong by itself, for the message about a command line that is.
  ///
  /// - Parameter command: Whose options these are.
  func wrongLine(
    of command: any ParsableCommand.Type = Serve.self
  ) -> (line: Int, error: any Error)? {
    for entry in entries {
      do {
        // What an option is for is looked at by `validate`, and may depend on others: that it can be
        // read is all that is asked here.
        _ = try command.parse(entry.arguments + ["--insecure-remote"])
      } catch {
        let message = command.message(for: error)
        if message.contains("Unknown option") || message.contains("Missing value")
          || message.contains("is invalid")
        {
          return (entry.line, error)
        }
      }
    }
    return nil
  }

  // MARK: The command line

  /// The path after `--config`, if it is there.
  static func path(in arguments: [String]) -> String? {
    for (index, argument) in arguments.enumerated() {
      if argument == "--config", index + 1 < arguments.count { return arguments[index + 1] }
      if argument.hasPrefix("--config=") { return String(argument.dropFirst("--config=".count)) }
    }
    return nil
  }
}
