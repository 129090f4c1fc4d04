/// The id that a pool knows a worker by: tools are registered under it.
public enum PoolWorkerID {
  private static let prefix = "snakepit_ready_"

  /// Reads the id out of the ready file's name, `snakepit_ready_<id>_<n>`: nothing else that a worker is
  /// started with has it.
  ///
  /// Characters other than letters, digits, `_`, `.` and `-` are `_` there, so the id of a pool with a name
  /// of others is not found out.
  ///
  /// - Returns: nil for a name of another form.
  public static func id(readyFile path: String) -> String? {
    guard let name = path.split(separator: "/").last, name.hasPrefix(prefix),
      let end = name.lastIndex(of: "_")
    else { return nil }
    let number = name[name.index(after: end)...]
    guard let start = name.index(name.startIndex, offsetBy: prefix.count, limitedBy: end),
      start < end, !number.isEmpty, number.utf8.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    return String(name[start..<end])
  }
}
