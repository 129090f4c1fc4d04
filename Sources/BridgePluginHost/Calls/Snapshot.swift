internal import BridgePluginABI
internal import BridgeTools

/// A version of a variable as the ABI hands it out: everything it points to stays in place.
final class Snapshot: Sendable {
  let variable: VariableSnapshot
  private let id: [UInt8]
  private let name: [UInt8]
  private let storage: ValueStorage
  /// Weak: a call that has ended is not kept by what it forgot to release.
  weak let call: PluginCall?

  init(_ variable: VariableSnapshot, call: PluginCall?) {
    self.variable = variable
    self.call = call
    id = Array(variable.id.utf8)
    name = Array(variable.name.utf8)
    storage = ValueStorage(.value(variable.value, variable.type))
  }

  /// Valid as long as this object.
  var view: bridge_variable {
    bridge_variable(
      size: UInt32(MemoryLayout<bridge_variable>.size), version: variable.version,
      revision: variable.revision, id: id.abiView, name: name.abiView, value: storage.view)
  }
}
