internal import BridgeTools
internal import JSON

/// What a manifest declares for its signatures: structs, callbacks and handles.
struct NativeDeclarations: Sendable {
  private(set) var structs: [String: NativeStruct] = [:]
  private(set) var callbacks: [String: NativeCallback] = [:]
  private(set) var handles: [String: NativeHandleType] = [:]

  init(_ manifest: JSON) throws(PluginError) {
    for (name, object) in try Self.members("structs", of: manifest) {
      structs[name] = try Self.within("structs", name) { () throws(PluginError) in
        try NativeStruct(name, object, known: structs)
      }
    }
    for (name, object) in try Self.members("callbacks", of: manifest) {
      callbacks[name] = try Self.within("callbacks", name) { () throws(PluginError) in
        try NativeCallback(object)
      }
    }
    for (name, object) in try Self.members("handles", of: manifest) {
      handles[name] = try Self.within("handles", name) { () throws(PluginError) in
        try object.checkKeys(["destroy", "description"])
        return NativeHandleType(name, destroy: try object.text("destroy"))
      }
    }
  }

  private static func members(
    _ key: String, of manifest: JSON
  ) throws(PluginError) -> [(name: String, object: JSON)] {
    guard let value = manifest[key] else { return [] }
    guard case .object(let members) = value else {
      throw PluginError("\"\(key)\" must be an object of names", at: key)
    }
    for member in members where !ToolName.isValid(member.key) {
      throw PluginError("\"\(member.key)\" must be \(ToolName.rule)", at: key)
    }
    return members.map { ($0.key, $0.value) }
  }

  private static func within<Result>(
    _ key: String, _ name: String, _ body: () throws(PluginError) -> Result
  ) throws(PluginError) -> Result {
    try JSONPlace.Step.key(key).within { () throws(PluginError) in
      try JSONPlace.Step.key(name).within(body)
    }
  }
}
