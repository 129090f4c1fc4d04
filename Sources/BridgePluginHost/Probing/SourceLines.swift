internal import CDebugInfo

/// Lines of the source, from debug information.
enum SourceLines {
  /// Whether a file has debug information.
  ///
  /// - Parameter file: An open descriptor of the object.
  static func areThere(in file: CInt) -> Bool { debug_is_there(file) != 0 }

  /// - Parameter file: An open descriptor of the object.
  /// - Returns: `path:line`; nil where it is not known.
  static func line(of address: UInt64, in file: CInt) -> String? {
    guard areThere(in: file) else { return nil }
    var source = [CChar](repeating: 0, count: 1024)
    let line = debug_line(file, address, &source, source.count)
    guard line > 0 else { return nil }
    let path = String(
      decoding: source.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "\(path):\(line)"
  }
}
