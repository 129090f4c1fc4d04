internal import Glibc

/// How many descriptors the process may have.
enum DescriptorLimit {
  /// Raises the limit as far as the system allows: each connection takes a descriptor.
  static func raise() {
    var limit = rlimit()
    // getrlimit(2), setrlimit(2): they fail for values above the hard limit alone.
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// For how many connections there are descriptors, when an eighth of them, and some at least, is left to
  /// tools, plugins and the state.
  static var connections: Int {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return connections(of: Int(clamping: limit.rlim_cur))
  }

  /// - Parameter descriptors: The limit of the process.
  static func connections(of descriptors: Int) -> Int {
    max(least, min(descriptors, mostDescriptors) - max(64, min(descriptors, mostDescriptors) / 8))
  }

  private static let least = 64
  private static let mostDescriptors = 1_000_000
}
