/// Why a plugin or manifest was not loaded, in a sentence for a person.
public struct PluginError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, and with what, in one line.
  public let description: String

  init(_ description: String) { self.description = description }
}
