internal import BridgePluginABI

/// The handles of one call and the host's functions for them, with errors as `ToolError`.
struct CallAPI: Sendable {
  let host: HostTables
  let call: Handle
  let variables: Handle

  var table: bridge_call_api { host.call.pointee }
  var toolsTable: bridge_tools_api { host.tools.pointee }

  /// Whether to go on: ok, cancelled or deadline exceeded.
  var status: bridge_status { table.check!(call.pointer) }

  /// Reads a parameter; nil for an optional one that is absent.
  func parameter(_ name: String) throws(ToolError) -> ToolValue? {
    var value = bridge_value()
    let status = name.withView { table.parameter!(call.pointer, $0, &value) }
    if status == Status.notFound { return nil }
    try check(status)
    guard let result = ToolValue(&value) else {
      throw ToolError(
        .internalError,
        "the host handed over a malformed value of type \(value.type) for the parameter \(name)")
    }
    return result
  }

  /// Keeps the call open after its function has returned, until the token is completed.
  func retain() throws(ToolError) -> Handle {
    var token: OpaquePointer?
    try check(table.retain!(call.pointer, &token))
    guard let token else { throw error(Status.internalError) }
    return Handle(pointer: token)
  }

  /// Throws unless the status is ok.
  func check(_ status: bridge_status) throws(ToolError) {
    if status != Status.ok { throw error(status) }
  }

  /// Throws when the status, one of `check`, says that the call is over.
  func checkCancellation(_ status: bridge_status) throws(ToolError) {
    switch status {
    case Status.ok: return
    case Status.cancelled, Status.deadlineExceeded: throw Self.cancellation(status)
    default: throw error(status)
    }
  }

  /// What the tool is told when its call is over.
  static func cancellation(_ status: bridge_status) -> ToolError {
    status == Status.deadlineExceeded
      ? ToolError(.deadlineExceeded, "the deadline of the call has passed")
      : ToolError(.cancelled, "the call was cancelled")
  }

  /// What the host says of a function that has just failed on this thread.
  func error(_ status: bridge_status) -> ToolError {
    var error = bridge_error()
    error.size = UInt32(MemoryLayout<bridge_error>.size)
    guard table.last_error!(call.pointer, &error) == Status.ok, error.code == status else {
      return ToolError(
        ToolError.Code(rawValue: status), "the host answered with status \(status)")
    }
    return ToolError(error)
  }

  /// Says why the call fails, and answers the status to return.
  func fail(_ failure: ToolError) -> bridge_status {
    var error = bridge_error()
    error.size = UInt32(MemoryLayout<bridge_error>.size)
    error.code = failure.code.status
    if failure.isRetryable { error.flags = UInt32(BRIDGE_ERROR_RETRYABLE) }
    failure.message.withView { message in
      failure.type.withView { type in
        (failure.details?.text ?? "").withView { details in
          error.message = message
          error.type = type
          error.details = details
          _ = table.fail!(call.pointer, &error)
        }
      }
    }
    return error.code
  }
}
