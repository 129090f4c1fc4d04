internal import BridgePluginABI
internal import Threads

/// The `bridge_host` that plugins are given.
enum HostTable {
  private static let name = Array("bridge-host".utf8)
  private static let version = Array(hostVersion.utf8)

  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_host> = {
    let table = UnsafeMutablePointer<bridge_host>.allocate(capacity: 1)
    table.initialize(
      to: bridge_host(
        size: MemoryLayout<bridge_host>.size,
        abi_minimum: BRIDGE_ABI_VERSION, abi_maximum: BRIDGE_ABI_VERSION,
        name: name.abiView, version: version.abiView,
        call: CallAPI.table, variables: VariablesAPI.table,
        extension: hostExtension, refuse: refuse))
    return UnsafePointer(table)
  }()

  /// What the plugin whose entry function runs has said against being loaded. Plugins are loaded
  /// one at a time.
  static let refusal = Locked<String?>(nil)
}

/// The version of bridge-host, as `--version` prints it and plugins see it.
public let hostVersion = "0.1.0"

private func hostExtension(
  _ host: UnsafePointer<bridge_host>?, _ name: bridge_str, _ revision: UInt32
) -> UnsafeRawPointer? {
  // There is none yet; NULL says so.
  nil
}

private func refuse(_ host: UnsafePointer<bridge_host>?, _ reason: bridge_str) {
  let text = String(decoding: reason.bytes ?? [], as: UTF8.self)
  HostTable.refusal.withLock { $0 = text }
}
