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
    host.abi_minimum = BRIDGE_ABI_VERSION
    host.abi_maximum = BRIDGE_ABI_VERSION
    host.name = name.abiView
    host.version = version.abiView
    host.call = CallAPI.table
    host.variables = VariablesAPI.table
    host.tools = ToolsAPI.table
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
  name.string.flatMap { HostExtensions.table($0, revision: revision) }
}

private func refuse(_ host: UnsafePointer<bridge_host>?, _ reason: bridge_str) {
  HostTable.instance(host)?.refuse(String(decoding: reason.bytes ?? [], as: UTF8.self))
}

private func log(
  _ host: UnsafePointer<bridge_host>?, _ level: bridge_log_level, _ message: bridge_str
) {
  guard let instance = HostTable.instance(host) else { return }
  instance.logger.log(
    level: Logger.Level(abi: level), "\(String(decoding: message.bytes ?? [], as: UTF8.self))",
    metadata: ["plugin": "\(instance.displayName)"])
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
