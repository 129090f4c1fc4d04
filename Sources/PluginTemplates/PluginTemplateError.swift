/// Why a new plugin was not written, in a sentence.
public struct PluginTemplateError: Error, CustomStringConvertible {
  /// The sentence.
  public let description: String

  init(_ description: String) { self.description = description }
}
