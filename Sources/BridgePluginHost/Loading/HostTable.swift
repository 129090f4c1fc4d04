internal import BridgePluginABI
internal import Logging

/// The `bridge_host` that a plugin is given.
enum HostTable {
  private static let name = Array("bridge-host".utf8)
  private static let version = Array(hostVersion.utf8)

  /// Makes one. It is never freed: the plugin keeps the pointer.
  static func make(for instance: PluginInstance) -> UnsafePointer<bridge_host> {
    var host = bridge_host()
    host.size = UInt32(MemoryLayout<bridge_host>.size)
    host.abi_revision = BRIDGE_ABI_REVISION
    let versions = instance.inspector?.offer.versions ?? BRIDGE_ABI_VERSION...BRIDGE_ABI_VERSION
    host.abi_minimum = versions.lowerBound
    host.abi_maximum = versions.upperBound
    host.name = name.abiView
    host.version = version.abiView
    let isInspected = instance.inspector != nil
    host.call = isInspected ? InspectedCallAPI.table : CallAPI.table
    host.variables = isInspected ? InspectedVariablesAPI.table : VariablesAPI.table
    host.tools = isInspected ? InspectedToolsAPI.table : ToolsAPI.table
    host.extension = hostExtension
    host.refuse = refuse
    host.log = log
    // Whose it is comes behind it.
    let size = MemoryLayout<bridge_host>.size
    let place = UnsafeMutableRawPointer.allocate(byteCount: size + 8, alignment: 8)
    place.copyMemory(from: &host, byteCount: size)
    (place + size).storeBytes(
      of: Unmanaged.passRetained(instance).toOpaque(), as: UnsafeMutableRawPointer.self)
    return UnsafeRawPointer(place).assumingMemoryBound(to: bridge_host.self)
  }

  /// Whose a table is.
  fileprivate static func instance(_ host: UnsafePointer<bridge_host>?) -> PluginInstance? {
    guard let host else { return nil }
    let place = UnsafeRawPointer(host) + MemoryLayout<bridge_host>.size
    let instance = place.load(as: UnsafeMutableRawPointer.self)
    return Unmanaged<PluginInstance>.fromOpaque(instance).takeUnretainedValue()
  }
}

private func hostExtension(
  _ host: UnsafePointer<bridge_host>?, _ name: bridge_str, _ revision: UInt32
) -> UnsafeRawPointer? {
  var table: UnsafeRawPointer?
  Inspected.tell(
    HostTable.instance(host)?.inspector, .hostExtension,
    [.text("name", name), .integer("revision", Int64(revision))]
  ) {
    table = name.string.flatMap { HostExtensions.table($0, revision: revision) }
  }
  return table
}

private func refuse(_ host: UnsafePointer<bridge_host>?, _ reason: bridge_str) {
  guard let instance = HostTable.instance(host) else { return }
  Inspected.tell(instance.inspector, .refuse, [.text("reason", reason)]) {
    instance.refuse(String(decoding: reason.bytes ?? [], as: UTF8.self))
  }
}

private func log(
  _ host: UnsafePointer<bridge_host>?, _ level: bridge_log_level, _ message: bridge_str
) {
  guard let instance = HostTable.instance(host) else { return }
  Inspected.tell(
    instance.inspector, .hostLog, [.integer("level", Int64(level)), .text("message", message)]
  ) {
    instance.logger.log(
      level: Logger.Level(abi: level), "\(String(decoding: message.bytes ?? [], as: UTF8.self))",
      metadata: ["plugin": "\(instance.displayName)"])
  }
}

extension Logger.Level {
  /// The nearest level.
  init(abi level: bridge_log_level) {
    self =
      switch Int(level) {
      case ...Int(BRIDGE_LOG_DEBUG): .debug
      case Int(BRIDGE_LOG_INFO): .info
      case Int(BRIDGE_LOG_WARNING): .warning
      default: .error
      }
  }
}
