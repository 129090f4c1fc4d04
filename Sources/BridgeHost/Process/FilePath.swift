internal import ArgumentParser
internal import Glibc

/// A path of the command line, made absolute when it is read.
///
/// The working directory belongs to the whole process, and a tool may change it: a path that is looked
/// up again later would then mean another file.
struct FilePath: ExpressibleByArgument, Sendable {
  let path: String

  /// - Returns: nil for an empty text.
  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    path = Self.absolute(argument)
  }

  static func absolute(_ path: String) -> String {
    guard path.utf8.first != UInt8(ascii: "/"), let working = getcwd(nil, 0) else { return path }
    defer { free(working) }
    return "\(String(cString: working))/\(path)"
  }
}
