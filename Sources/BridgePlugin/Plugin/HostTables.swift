internal import BridgePluginABI

/// What the host offers, checked once so that nothing has to be checked later.
///
/// The tables are copies as large as the SDK knows them: what an older host does not have is nil, what
/// a newer one has beyond is left out.
// @unchecked: the copies are made once, never freed and never changed; the host's own is immortal.
struct HostTables: @unchecked Sendable {
  let host: UnsafePointer<bridge_host>
  let call: UnsafePointer<bridge_call_api>
  let variables: UnsafePointer<bridge_variables_api>
  let tools: UnsafePointer<bridge_tools_api>

  /// - Throws: `ToolError` that says in a sentence why this host cannot be worked with.
  init(_ host: UnsafePointer<bridge_host>) throws(ToolError) {
    let known = told(host)
    let version = BRIDGE_ABI_VERSION
    guard known.abi_minimum <= version, version <= known.abi_maximum else {
      throw ToolError(
        .failedPrecondition,
        "the plugin speaks version \(version) of the ABI, the host "
          + "\(known.abi_minimum) to \(known.abi_maximum)")
    }
    guard let call = known.call, let variables = known.variables, let tools = known.tools else {
      throw ToolError(.failedPrecondition, "the host has no tables of functions")
    }
    self.host = host
    self.call = try Self.copy(
      call, MemoryLayout<bridge_call_api>.size, "bridge_call_api", FirstRelease.callAPI
    ).assumingMemoryBound(to: bridge_call_api.self)
    self.variables = try Self.copy(
      variables, MemoryLayout<bridge_variables_api>.size, "bridge_variables_api",
      FirstRelease.variablesAPI
    ).assumingMemoryBound(to: bridge_variables_api.self)
    self.tools = try Self.copy(
      tools, MemoryLayout<bridge_tools_api>.size, "bridge_tools_api", FirstRelease.toolsAPI
    ).assumingMemoryBound(to: bridge_tools_api.self)
  }

  /// Copies a table: two numbers and then functions only, all of the first release among them.
  private static func copy(
    _ table: UnsafeRawPointer, _ known: Int, _ name: String, _ released: Int
  ) throws(ToolError) -> UnsafeRawPointer {
    let size = sizeOf(table)
    guard size >= released else {
      throw ToolError(
        .failedPrecondition, "the host's \(name) has \(size) bytes, version 1.0 has \(released)")
    }
    for offset in stride(from: MemoryLayout<Int>.size, to: released, by: MemoryLayout<Int>.size)
    where table.load(fromByteOffset: offset, as: Int.self) == 0 {
      throw ToolError(
        .failedPrecondition, "the host's \(name) lacks the function at byte \(offset)")
    }
    let copy = UnsafeMutableRawPointer.allocate(byteCount: known, alignment: 8)
    copy.initializeMemory(as: UInt8.self, repeating: 0, count: known)
    copyTold(table, into: copy, known)
    return UnsafeRawPointer(copy)
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
  static let alreadyExists = bridge_status(BRIDGE_ALREADY_EXISTS)
  static let failedPrecondition = bridge_status(BRIDGE_FAILED_PRECONDITION)
  static let internalError = bridge_status(BRIDGE_INTERNAL)
  static let full = bridge_status(BRIDGE_FULL)
  static let pending = bridge_status(BRIDGE_PENDING)
}
