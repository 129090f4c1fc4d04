internal import Threads
internal import BridgePluginABI
internal import BridgeSessions
internal import Logging

/// The functions of `bridge_call_api`: each finds the call by its handle and answers a status.
enum CallAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_call_api> = {
    let table = UnsafeMutablePointer<bridge_call_api>.allocate(capacity: 1)
    table.initialize(
      to: bridge_call_api(
        size: MemoryLayout<bridge_call_api>.size,
        parameter: parameter, session_id: sessionID, metadata: metadata, check: check,
        remaining: remaining, sleep: sleep, progress: progress, result: result,
        binary_result: binaryResult, annotate: annotate, emit: emit, wait_for_room: waitForRoom,
        fail: fail, last_error: lastError, log: log, retain: retain, complete: complete,
        on_cancel: onCancel, forget: forget))
    return UnsafePointer(table)
  }()
}

extension bridge_status {
  static let ok = bridge_status(BRIDGE_OK)
  static let stale = bridge_status(BRIDGE_FAILED_PRECONDITION)

  init(_ cancellation: ToolCall.Cancellation?) {
    self = cancellation?.rawValue ?? .ok
  }
}

/// Runs a function on a call; what it throws becomes the thread's last error.
func withCall(
  _ handle: OpaquePointer?, _ body: (ToolCall) throws -> bridge_status
) -> bridge_status {
  guard let call = Handles.calls[handle] else { return .stale }
  do {
    return try body(call)
  } catch {
    return call.note(error)
  }
}

extension ToolCall {
  /// Keeps an error for `last_error`.
  ///
  /// - Returns: Its status.
  func note(_ error: any Error) -> bridge_status {
    let error = error as? SessionError ?? SessionError(.invalidArgument, "\(error)")
    let status = error.code.status
    note(LastError(status, error.message))
    return status
  }
}

extension SessionError.Code {
  var status: bridge_status {
    let status =
      switch self {
      case .sessionNotFound, .variableNotFound: BRIDGE_NOT_FOUND
      case .alreadyExists: BRIDGE_ALREADY_EXISTS
      case .invalidValue, .invalidArgument: BRIDGE_INVALID_ARGUMENT
      case .versionMismatch: BRIDGE_ABORTED
      case .limitReached: BRIDGE_RESOURCE_EXHAUSTED
      case .tooOld: BRIDGE_OUT_OF_RANGE
      case .wrongEpoch, .failedPrecondition: BRIDGE_FAILED_PRECONDITION
      case .permissionDenied: BRIDGE_PERMISSION_DENIED
      case .unsupported: BRIDGE_UNIMPLEMENTED
      case .storageUnavailable, .elsewhere: BRIDGE_UNAVAILABLE
      }
    return bridge_status(status)
  }
}

func text(_ view: bridge_str, _ what: String) throws -> String {
  guard let text = view.string else {
    throw SessionError(.invalidArgument, "\(what) is not UTF-8 text")
  }
  return text
}

private func parameter(
  _ handle: OpaquePointer?, _ name: bridge_str, _ value: UnsafeMutablePointer<bridge_value>?
) -> bridge_status {
  withCall(handle) { call in
    let name = try text(name, "the parameter's name")
    guard let found = call.parameter(name) else {
      throw SessionError(.variableNotFound, "the call has no parameter \(name)")
    }
    value?.pointee = found
    return .ok
  }
}

private func sessionID(
  _ handle: OpaquePointer?, _ id: UnsafeMutablePointer<bridge_str>?
) -> bridge_status {
  withCall(handle) { call in
    id?.pointee = call.text(call.session.id)
    return .ok
  }
}

private func metadata(
  _ handle: OpaquePointer?, _ key: bridge_str, _ value: UnsafeMutablePointer<bridge_str>?
) -> bridge_status {
  withCall(handle) { call in
    let key = try text(key, "the key")
    guard let found = call.metadata[key] else {
      throw SessionError(.variableNotFound, "the request has no metadata \(key)")
    }
    value?.pointee = call.text(found)
    return .ok
  }
}

private func check(_ handle: OpaquePointer?) -> bridge_status {
  withCall(handle) { bridge_status($0.cancellation) }
}

private func remaining(
  _ handle: OpaquePointer?, _ nanoseconds: UnsafeMutablePointer<Int64>?
) -> bridge_status {
  withCall(handle) { call in
    nanoseconds?.pointee = call.deadline.map { max(0, $0 - MonotonicClock.now) } ?? .max
    return .ok
  }
}

private func sleep(_ handle: OpaquePointer?, _ nanoseconds: Int64) -> bridge_status {
  withCall(handle) { bridge_status($0.sleep(nanoseconds: nanoseconds)) }
}

private func progress(
  _ handle: OpaquePointer?, _ fraction: Double, _ message: bridge_str
) -> bridge_status {
  withCall(handle) { call in
    bridge_status(call.progress(fraction, try text(message, "the message")))
  }
}

private func result(
  _ handle: OpaquePointer?, _ value: UnsafePointer<bridge_value>?
) -> bridge_status {
  withCall(handle) { call in
    call.setResult(try ToolValue(copying: value))
    return .ok
  }
}

private func binaryResult(
  _ handle: OpaquePointer?, _ data: UnsafeRawPointer?, _ length: Int,
  _ release: bridge_release?, _ context: UnsafeMutableRawPointer?
) -> bridge_status {
  // Ours in every case, as the header promises; answers need it as an array.
  defer { release?(context, data, length) }
  return withCall(handle) { call in
    guard length == 0 || data != nil else {
      throw SessionError(.invalidArgument, "\(length) bytes have no data")
    }
    call.setBinaryResult(Array(UnsafeRawBufferPointer(start: data, count: length)))
    return .ok
  }
}

private func annotate(
  _ handle: OpaquePointer?, _ key: bridge_str, _ value: bridge_str
) -> bridge_status {
  withCall(handle) { call in
    call.annotate(try text(key, "the key"), try text(value, "the value"))
    return .ok
  }
}

private func emit(
  _ handle: OpaquePointer?, _ chunk: UnsafePointer<bridge_value>?
) -> bridge_status {
  withCall(handle) { call in
    guard call.isStreaming else {
      throw SessionError(
        .failedPrecondition, "nobody streams from this call: it was made by ExecuteTool")
    }
    switch call.emit(try ToolValue(copying: chunk)) {
    case .taken: return .ok
    case .full: return bridge_status(BRIDGE_FULL)
    case .cancelled(let reason): return bridge_status(reason)
    }
  }
}

private func waitForRoom(_ handle: OpaquePointer?) -> bridge_status {
  withCall(handle) { bridge_status($0.waitForRoom()) }
}

private func fail(
  _ handle: OpaquePointer?, _ error: UnsafePointer<bridge_error>?
) -> bridge_status {
  withCall(handle) { call in
    guard let error = error?.pointee, error.size >= MemoryLayout<bridge_error>.size else {
      throw SessionError(.invalidArgument, "the error is NULL or has no size")
    }
    let type = try text(error.type, "the error's type")
    call.fail(
      ToolFailure(
        code: (1...16).contains(error.code) ? error.code : bridge_status(BRIDGE_UNKNOWN),
        message: try text(error.message, "the error's message"),
        type: type.isEmpty ? "tool_error" : type,
        details: try text(error.details, "the error's details"),
        isRetryable: error.retryable != 0))
    return .ok
  }
}

private func lastError(
  _ handle: OpaquePointer?, _ error: UnsafeMutablePointer<bridge_error>?
) -> bridge_status {
  withCall(handle) { call in
    guard let last = call.lastError else { return bridge_status(BRIDGE_NOT_FOUND) }
    error?.pointee = bridge_error(
      size: UInt32(MemoryLayout<bridge_error>.size), code: last.code,
      message: last.message.abiView, type: last.type.abiView, details: bridge_str(),
      retryable: last.isRetryable ? 1 : 0,
      reserved: (0, 0, 0, 0, 0, 0, 0))
    return .ok
  }
}

private func log(_ handle: OpaquePointer?, _ level: bridge_log_level, _ message: bridge_str) {
  guard let call = Handles.calls[handle] else { return }
  let level: Logger.Level =
    switch Int(level) {
    case ...Int(BRIDGE_LOG_DEBUG): .debug
    case Int(BRIDGE_LOG_INFO): .info
    case Int(BRIDGE_LOG_WARNING): .warning
    default: .error
    }
  var metadata: Logger.Metadata = [
    "tool": "\(call.tool.description.name)", "session": "\(call.session.id)",
  ]
  if let id = call.metadata["correlation_id"] { metadata["correlation_id"] = "\(id)" }
  call.environment.logger.log(
    level: level, "\(String(decoding: message.bytes ?? [], as: UTF8.self))", metadata: metadata)
}

private func retain(
  _ handle: OpaquePointer?, _ token: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let token else { throw SessionError(.invalidArgument, "the token's place is NULL") }
    guard let kept = call.retain() else {
      throw SessionError(.failedPrecondition, "the call is retained already")
    }
    token.pointee = kept
    return .ok
  }
}

private func complete(_ token: OpaquePointer?, _ status: bridge_status) -> bridge_status {
  guard let call = Handles.tokens.remove(token) else { return .stale }
  call.end(status)
  return .ok
}

private func onCancel(
  _ handle: OpaquePointer?, _ callback: bridge_on_cancel?, _ context: UnsafeMutableRawPointer?,
  _ listener: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let callback, let place = listener else {
      throw SessionError(.invalidArgument, "the callback or the listener's place is NULL")
    }
    let new = CancellationListener(of: call, callback: callback, context: context)
    let handle = Handles.listeners.insert(new)
    // Before the callback, which may forget it.
    place.pointee = handle
    guard call.keep(listener: new, handle: handle) else {
      Handles.listeners.remove(handle)
      throw SessionError(.failedPrecondition, "the call is ending")
    }
    return .ok
  }
}

private func forget(_ handle: OpaquePointer?) -> bridge_status {
  guard let handle, let listener = Handles.listeners.remove(handle) else { return .stale }
  listener.forget(handle)
  return .ok
}
