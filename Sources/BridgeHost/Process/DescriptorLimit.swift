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
}
