internal import BridgePluginABI

/// What a plugin is given when it starts; it may keep it. All of it may be used from any thread.
// @unchecked: the host's table is immortal and never changes.
public struct PluginContext: @unchecked Sendable {
  /// The plugin's configuration, an object that the host has checked against the plugin's schema;
  /// empty where nobody gave one.
  public let configuration: JSONText
  /// The host's name.
  public let hostName: String
  /// The host's version.
  public let hostVersion: String

  private let host: UnsafePointer<bridge_host>

  init(_ host: UnsafePointer<bridge_host>, configuration: String) {
    let known = told(host)
    self.host = host
    self.configuration = JSONText(configuration, kind: .object)
    hostName = String(known.name)
    hostVersion = String(known.version)
  }

  /// Writes a line to the host's log that belongs to no call; see `CallContext.log` for others.
  public func log(_ level: LogLevel, _ text: String) {
    text.withView { told(host).log?(host, level.rawValue, $0) }
  }

  /// A table of functions that this SDK does not know, by name and revision; nil where the host does
  /// not have it. It stays for the life of the process.
  public func withExtension<Table, Result>(
    _ name: String, revision: UInt32, as type: Table.Type,
    _ body: (UnsafePointer<Table>?) throws -> Result
  ) rethrows -> Result {
    let table = name.withView { told(host).extension?(host, $0, revision) }
    return try body(table?.assumingMemoryBound(to: type))
  }
}
