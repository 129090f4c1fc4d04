/// What somebody who serves a plugin says of how it is loaded.
public struct LoadOptions: Sendable, Equatable {
  /// The plugin's own configuration, a JSON object; nil where nobody gave one.
  public var configuration: String?
  /// Whether the configuration holds what nobody may read in a message.
  public var isConfigurationSecret = false
  /// Whether tools that say they are quick may run on event loops.
  public var allowsInline = true
  /// Which of its tools are served.
  public var selection = ToolSelection()
  /// The SHA-256 of the plugin's file, in hexadecimal: it is refused if it has another one.
  public var digest: String?
  /// The same for libraries that lie beside it, by the names that it knows them by.
  public var libraryDigests: [String: String] = [:]
  /// Whether a file is refused whose digest is not there.
  public var requiresDigests = false

  /// Everything is served, and nothing demanded.
  public init(configuration: String? = nil) { self.configuration = configuration }
}
