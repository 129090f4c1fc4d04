internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
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
  _ handle: OpaquePointer?, _ body: (PluginCall) throws -> bridge_status
) -> bridge_status {
  guard let call = Handles.calls[handle] else { return .stale }
  do {
    return try body(call)
  } catch {
    return call.note(error)
  }
}

extension PluginCall {
  /// Keeps an error for `last_error`.
  ///
  /// - Returns: Its status.
  func note(_ error: any Error) -> bridge_status {
    let (status, message) =
      switch error {
      case let error as SessionError: (error.code.status, error.message)
      case let error as ToolsError: (error.code.status, error.message)
      default: (bridge_status(BRIDGE_INVALID_ARGUMENT), "\(error)")
      }
    note(LastError(status, message))
    return status
  }
}

extension PluginCall {
  /// A quick tool runs where nothing may wait.
  fileprivate func checkMayBlock() throws(ToolsError) {
    if call.mayBlock { return }
    throw ToolsError(
      .failedPrecondition, "\(call.tool.name) says it is quick, so it must not wait")
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

extension ToolsError.Code {
  var status: bridge_status {
    let status =
      switch self {
      case .toolNotFound: BRIDGE_NOT_FOUND
      case .invalidParameter: BRIDGE_INVALID_ARGUMENT
      case .limitReached: BRIDGE_RESOURCE_EXHAUSTED
      case .nameTaken: BRIDGE_ALREADY_EXISTS
      case .failedPrecondition: BRIDGE_FAILED_PRECONDITION
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
    id?.pointee = call.text(call.services.sessionID)
    return .ok
  }
}

private func metadata(
  _ handle: OpaquePointer?, _ key: bridge_str, _ value: UnsafeMutablePointer<bridge_str>?
) -> bridge_status {
  withCall(handle) { call in
    let key = try text(key, "the key")
    guard let found = call.call.metadata[key] else {
      throw SessionError(.variableNotFound, "the request has no metadata \(key)")
    }
    value?.pointee = call.text(found)
    return .ok
  }
}

private func check(_ handle: OpaquePointer?) -> bridge_status {
  withCall(handle) { bridge_status($0.call.cancellation) }
}

private func remaining(
  _ handle: OpaquePointer?, _ nanoseconds: UnsafeMutablePointer<Int64>?
) -> bridge_status {
  withCall(handle) { call in
    nanoseconds?.pointee = call.call.remaining ?? .max
    return .ok
  }
}

private func sleep(_ handle: OpaquePointer?, _ nanoseconds: Int64) -> bridge_status {
  withCall(handle) { call in
    try call.checkMayBlock()
    return bridge_status(call.call.sleep(nanoseconds: nanoseconds))
  }
}

private func progress(
  _ handle: OpaquePointer?, _ fraction: Double, _ message: bridge_str
) -> bridge_status {
  withCall(handle) { call in
    bridge_status(call.call.progress(fraction, try text(message, "the message")))
  }
}

private func result(
  _ handle: OpaquePointer?, _ value: UnsafePointer<bridge_value>?
) -> bridge_status {
  withCall(handle) { call in
    call.call.setResult(try ToolValue(copying: value))
    return .ok
  }
}

private func binaryResult(
  _ handle: OpaquePointer?, _ data: UnsafeRawPointer?, _ length: Int,
  _ release: bridge_release?, _ context: UnsafeMutableRawPointer?
) -> bridge_status {
  // Ours in every case, as the header promises.
  nonisolated(unsafe) let (context, data) = (context, data)
  let isBlob = length == 0 || data != nil
  let blob = Blob(donated: UnsafeRawBufferPointer(start: data, count: isBlob ? length : 0)) {
    release?(context, data, length)
  }
  return withCall(handle) { call in
    guard isBlob else { throw SessionError(.invalidArgument, "\(length) bytes have no data") }
    call.call.setBinaryResult(blob)
    return .ok
  }
}

private func annotate(
  _ handle: OpaquePointer?, _ key: bridge_str, _ value: bridge_str
) -> bridge_status {
  withCall(handle) { call in
    call.call.annotate(try text(key, "the key"), try text(value, "the value"))
    return .ok
  }
}

private func emit(
  _ handle: OpaquePointer?, _ chunk: UnsafePointer<bridge_value>?
) -> bridge_status {
  withCall(handle) { call in
    guard call.call.request.isStreaming else {
      throw SessionError(
        .failedPrecondition, "nobody streams from this call: it was made by ExecuteTool")
    }
    switch call.call.emit(try ToolValue(copying: chunk)) {
    case .taken: return .ok
    case .full: return bridge_status(BRIDGE_FULL)
    case .cancelled(let reason): return bridge_status(reason)
    case .finished: return .stale
    }
  }
}

private func waitForRoom(_ handle: OpaquePointer?) -> bridge_status {
  withCall(handle) { call in
    try call.checkMayBlock()
    return bridge_status(call.call.waitForRoom())
  }
}

private func fail(
  _ handle: OpaquePointer?, _ error: UnsafePointer<bridge_error>?
) -> bridge_status {
  withCall(handle) { call in
    guard let error = error?.pointee, error.size >= MemoryLayout<bridge_error>.size else {
      throw SessionError(.invalidArgument, "the error is NULL or has no size")
    }
    let type = try text(error.type, "the error's type")
    call.call.setFailure(
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
  call.services.log(
    level, String(decoding: message.bytes ?? [], as: UTF8.self), from: call.call)
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
