internal import BridgeTools

/// The functions of a shared object that a manifest makes into tools.
final class NativeLibrary: ToolProvider {
  /// The manifest's path.
  let id: String
  let name: String
  let version: String
  let tools: [any Tool]

  init(id: String, name: String, version: String, tools: [any Tool]) {
    self.id = id
    self.name = name
    self.version = version
    self.tools = tools
  }

  func retire() {}
}
