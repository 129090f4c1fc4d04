internal import BridgePluginChannel

/// What the processes of a plugin give up, for good, before they load it.
public enum PluginProfile: String, Sendable, CaseIterable {
  /// Nothing.
  case none
  /// What looks into other processes, sends them signals or changes the system.
  case `default`
  /// The same, and sockets.
  case noNetwork = "no-network"
  /// The same as by default, and changes of files.
  case readOnlyFiles = "read-only-files"

  /// The names, for messages.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  fileprivate var parts: ProcessProfile {
    switch self {
    case .none: []
    case .default: .base
    case .noNetwork: [.base, .noNetwork]
    case .readOnlyFiles: [.base, .readOnlyFiles]
    }
  }
}

extension ProcessProfile {
  /// What several profiles give up together.
  init(_ profiles: Set<PluginProfile>) {
    self = profiles.reduce(into: []) { $0.formUnion($1.parts) }
  }
}
