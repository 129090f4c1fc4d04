/// Where a plugin's code runs.
public enum PluginIsolation: String, Sendable, CaseIterable {
  /// In the host: the quickest way, for code that is trusted not to crash.
  case inProcess = "in-process"
  /// In a process of the plugin's own: what crashes there does not touch the host.
  case child
  /// In a process of its own for each call: nothing that one call leaves behind reaches the next.
  case perCall = "per-call"

  /// The names, for messages.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")
}
