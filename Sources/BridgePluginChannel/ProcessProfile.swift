/// What a child process gives up before it runs a plugin's code.
package struct ProcessProfile: OptionSet, Sendable, Hashable {
  /// The parts, or-ed: bits of `plugin_profile_part`.
  package let rawValue: UInt32

  /// As the program that makes children has it.
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Nothing that looks into other processes, sends them signals or changes the system.
  package static let base = ProcessProfile(rawValue: 1)
  /// No sockets.
  package static let noNetwork = ProcessProfile(rawValue: 2)
  /// No file is written or changed.
  package static let readOnlyFiles = ProcessProfile(rawValue: 4)
}
