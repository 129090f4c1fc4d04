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
    guard let call = host.pointee.call, let variables = host.pointee.variables,
      Self.isComplete(call, size: call.pointee.size),
      Self.isComplete(variables, size: variables.pointee.size)
    else {
      throw ToolError(
        .failedPrecondition,
        "the host's tables lack functions that version \(version) of the ABI has")
    }
    self.call = call
    self.variables = variables
  }

  /// Whether a table, a size and then functions only, has all functions of this version.
  private static func isComplete<Table>(_ table: UnsafePointer<Table>, size: Int) -> Bool {
    guard size >= MemoryLayout<Table>.size else { return false }
    let words = UnsafeRawPointer(table)
    return stride(from: MemoryLayout<Int>.size, to: MemoryLayout<Table>.size, by: 8).allSatisfy {
      words.load(fromByteOffset: $0, as: Int.self) != 0
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
