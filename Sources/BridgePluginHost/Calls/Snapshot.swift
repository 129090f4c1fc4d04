internal import BridgePluginABI
internal import BridgeTools

/// A version of a variable as the ABI hands it out: everything it points to stays in place.
final class Snapshot: Sendable {
  let variable: VariableSnapshot
  private let id: [UInt8]
  private let name: [UInt8]
  private let storage: ValueStorage
  private let details: DetailsStorage?
  /// Weak: a call that has ended is not kept by what it forgot to release.
  weak let call: PluginCall?

  /// - Parameter withDetails: Whether details were asked for.
  init(_ variable: VariableSnapshot, withDetails: Bool, call: PluginCall?) {
    self.variable = variable
    self.call = call
    id = Array(variable.id.utf8)
    name = Array(variable.name.utf8)
    storage = ValueStorage(.value(variable.value, variable.type))
    details = withDetails ? DetailsStorage(variable) : nil
  }

  /// Valid as long as this object.
  var view: bridge_variable {
    var view = bridge_variable()
    view.size = UInt32(MemoryLayout<bridge_variable>.size)
    view.version = variable.version
    view.revision = variable.revision
    view.id = id.abiView
    view.name = name.abiView
    view.value = storage.view
    view.details = details?.pointer
    return view
  }
}
