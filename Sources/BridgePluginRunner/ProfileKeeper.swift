internal import BridgePluginChannel
internal import CPluginProfiles
internal import Glibc

/// Makes profiles ready before children are there: these have little to do then.
struct ProfileKeeper: ~Copyable {
  /// A profile as a child applies it.
  struct Ready {
    let parts: ProcessProfile
    fileprivate let filter: plugin_filter
    fileprivate let facilities: UInt32
    /// Why it cannot be applied; nil where it can.
    let fault: String?
    /// What the kernel does not have of it, in words.
    let missing: [String]
  }

  private var ready: [ProcessProfile: Ready] = [:]
  /// What was told to be missing.
  private var told: Set<String> = []

  /// The profile, and what is to be told of it: each thing once.
  mutating func profile(_ parts: ProcessProfile) -> (Ready, untold: [String]) {
    let profile = ready[parts] ?? Self.make(parts)
    ready[parts] = profile
    let untold = profile.missing.filter { !told.contains($0) }
    told.formUnion(untold)
    return (profile, untold)
  }

  private static func make(_ parts: ProcessProfile) -> Ready {
    let facilities = parts.isEmpty ? 0 : plugin_facilities()
    var filter = plugin_filter()
    var fault: CInt = 0
    if facilities & UInt32(PLUGIN_FACILITY_FILTER.rawValue) != 0 {
      // This process and its host: what no child is to signal.
      let processes = [getpid(), getppid()].filter { $0 > 1 }
      fault = plugin_make_filter(parts.rawValue, processes, processes.count, &filter)
    }
    return Ready(
      parts: parts, filter: filter, facilities: facilities,
      fault: fault == 0 ? nil : String(cString: strerror(fault)),
      missing: missing(of: parts, facilities))
  }

  private static func missing(of parts: ProcessProfile, _ facilities: UInt32) -> [String] {
    func lacks(_ facility: plugin_facility) -> Bool { facilities & facility.rawValue == 0 }
    var missing: [String] = []
    if !parts.isEmpty && lacks(PLUGIN_FACILITY_FILTER) {
      missing.append(
        "the kernel has no seccomp filters, so that every system call is open to plugins")
    }
    if parts.contains(.base) && lacks(PLUGIN_FACILITY_SIGNALS) {
      missing.append(
        "the kernel has no Landlock of version 6, so that plugins can send signals to other processes of "
          + "this user than the host")
    }
    if parts.contains(.readOnlyFiles) && lacks(PLUGIN_FACILITY_FILES) {
      missing.append("the kernel has no Landlock of version 3, so that plugins can write files")
    }
    return missing
  }
}

extension ProfileKeeper.Ready {
  /// Binds the calling process, which has one thread, for good.
  ///
  /// - Returns: Why it is not bound; nil where it is.
  func apply() -> String? {
    if parts.isEmpty { return nil }
    if let fault { return fault }
    var filter = filter
    let fault = plugin_apply_profile(parts.rawValue, facilities, &filter)
    return fault == 0 ? nil : String(cString: strerror(fault))
  }
}
