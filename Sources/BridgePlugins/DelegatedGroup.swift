internal import BridgePluginChannel
internal import Glibc

/// The control group that a service manager has left to the host to divide.
///
/// Sources: cgroups(7); systemd.resource-control(5), Delegate= and DelegateSubgroup=.
public enum DelegatedGroup {
  /// Its directory: the one above the host's own group, since groups with processes cannot be divided.
  ///
  /// - Returns: nil where nothing was delegated.
  public static func path() -> String? { path(own: content("/proc/self/cgroup")) }

  /// - Parameters:
  ///   - own: What /proc/self/cgroup says.
  ///   - roots: Where cgroup v2 may be mounted.
  ///   - isDelegated: Whether a directory was delegated.
  /// - Returns: nil where nothing was delegated.
  static func path(
    own: String,
    roots: [String] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
    isDelegated: (String) -> Bool = ChildSystem.isDelegated
  ) -> String? {
    let line = own.split(separator: "\n").first { $0.hasPrefix("0::/") }
    guard let path = line?.dropFirst(3), let slash = path.lastIndex(of: "/"),
      slash > path.startIndex
    else { return nil }
    return roots.map { $0 + path[..<slash] }.first(where: isDelegated)
  }

  private static func content(_ path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
