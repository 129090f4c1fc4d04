internal import BridgeTools

/// The functions of a shared object that a manifest makes into tools.
final class NativeLibrary: ToolProvider {
  /// The manifest's path.
  let id: String
  let name: String
  let version: String
  let tools: [any Tool]
  private let handles: NativeHandles

  init(id: String, name: String, version: String, tools: [any Tool], _ handles: NativeHandles) {
    self.id = id
    self.name = name
    self.version = version
    self.tools = tools
    self.handles = handles
  }

  func retire() { handles.close() }
}
