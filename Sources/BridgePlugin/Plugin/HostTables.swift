internal import BridgePluginABI

/// The host's tables of functions, checked once so that nothing has to be checked later.
// @unchecked: the host makes the tables once, for the life of the process, and never changes them.
struct HostTables: @unchecked Sendable {
  let call: UnsafePointer<bridge_call_api>
  let variables: UnsafePointer<bridge_variables_api>

  /// - Throws: `ToolError` that says in a sentence why this host cannot be worked with.
  init(_ host: UnsafePointer<bridge_host>) throws(ToolError) {
    let version = BRIDGE_ABI_VERSION
    guard host.pointee.abi_minimum <= version, version <= host.pointee.abi_maximum else {
      throw ToolError(
        .failedPrecondition,
        "the plugin speaks version \(version) of the ABI, the host "
          + "\(host.pointee.abi_minimum) to \(host.pointee.abi_maximum)")
    }
    guard let call = host.pointee.call, let variables = host.pointee.variables else {
      throw ToolError(.failedPrecondition, "the host has no tables of functions")
    }
    try Self.check(call, "bridge_call_api", size: call.pointee.size)
    try Self.check(variables, "bridge_variables_api", size: variables.pointee.size)
    self.call = call
    self.variables = variables
  }

  /// Checks that a table, a size and then functions only, has all functions the SDK knows. Tables
  /// grow at their end: one that is shorter is that of an older host.
  private static func check<Table>(
    _ table: UnsafePointer<Table>, _ name: String, size: Int
  ) throws(ToolError) {
    let expected = MemoryLayout<Table>.size
    guard size >= expected else {
      throw ToolError(
        .failedPrecondition,
        "the host is older than the plugin: its \(name) has \(size) bytes, the plugin uses "
          + "\(expected); update the host, or build the plugin with that host's SDK")
    }
    let words = UnsafeRawPointer(table)
    for offset in stride(from: MemoryLayout<Int>.size, to: expected, by: MemoryLayout<Int>.size)
    where words.load(fromByteOffset: offset, as: Int.self) == 0 {
      throw ToolError(
        .failedPrecondition, "the host's \(name) lacks the function at byte \(offset)")
    }
  }
}

/// A handle of the host. It is never followed, only handed back; a stale one is an error.
// @unchecked: the host takes handles from any thread.
struct Handle: @unchecked Sendable {
  let pointer: OpaquePointer
}

/// The statuses that the SDK looks at, as the type that functions return.
enum Status {
  static let ok = bridge_status(BRIDGE_OK)
  static let cancelled = bridge_status(BRIDGE_CANCELLED)
  static let deadlineExceeded = bridge_status(BRIDGE_DEADLINE_EXCEEDED)
  static let notFound = bridge_status(BRIDGE_NOT_FOUND)
  static let failedPrecondition = bridge_status(BRIDGE_FAILED_PRECONDITION)
  static let internalError = bridge_status(BRIDGE_INTERNAL)
  static let full = bridge_status(BRIDGE_FULL)
  static let pending = bridge_status(BRIDGE_PENDING)
}
