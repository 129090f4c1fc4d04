internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Logging

/// The functions of `bridge_call_api`: each finds the call by its handle and answers a status.
enum CallAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_call_api> = {
    var api = bridge_call_api()
    api.size = UInt32(MemoryLayout<bridge_call_api>.size)
    api.parameter = parameter
    api.session_id = sessionID
    api.metadata = metadata
    api.check = check
    api.remaining = remaining
    api.sleep = sleep
    api.progress = progress
    api.result = result
    api.give_result = giveResult
    api.give_binary = giveBinary
    api.annotate = annotate
    api.emit = emit
    api.wait_for_room = waitForRoom
    api.fail = fail
    api.last_error = lastError
    api.log = log
    api.state = state
    api.keep_state = keepState
    api.retain = retain
    api.complete = complete
    api.on_cancel = onCancel
    api.forget = forget
    return ABIStruct.placed(&api, MemoryLayout<bridge_call_api>.size)
      .assumingMemoryBound(to: bridge_call_api.self)
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
      case let error as SessionError: (error.code.statusCode, error.message)
      case let error as ToolsError: (error.code.statusCode, error.message)
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
    guard let found = call.parameter(name) else {
      let name = try text(name, "the parameter's name")
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

private func giveResult(
  _ handle: OpaquePointer?, _ value: UnsafePointer<bridge_value>?, _ release: bridge_release?,
  _ context: UnsafeMutableRawPointer?
) -> bridge_status {
  // Ours in every case, as the header promises.
  let memory = PluginMemory(of: Handles.calls[handle]?.instance, release, context)
  return withCall(handle) { call in
    call.call.setResult(try ToolValue(donated: value, by: memory))
    return .ok
  }
}

private func giveBinary(
  _ handle: OpaquePointer?, _ data: UnsafeRawPointer?, _ length: Int,
  _ release: bridge_release?, _ context: UnsafeMutableRawPointer?
) -> bridge_status {
  // Ours in every case, as the header promises.
  let memory = PluginMemory(of: Handles.calls[handle]?.instance, release, context)
  return withCall(handle) { call in
    guard length == 0 || (data != nil && length > 0) else {
      throw SessionError(.invalidArgument, "\(length) bytes have no data")
    }
    call.call.setBinaryResult(memory.blob(UnsafeRawBufferPointer(start: data, count: length)))
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
  _ handle: OpaquePointer?, _ given: UnsafePointer<bridge_error>?
) -> bridge_status {
  withCall(handle) { call in
    var error = bridge_error()
    try ABIStruct.read(
      given, into: &error, MemoryLayout<bridge_error>.size, "bridge_error",
      released: ABIStruct.Released.error)
    try ABIStruct.check(
      flags: error.flags, known: [Int(BRIDGE_ERROR_RETRYABLE)], "bridge_error.flags")
    try ABIStruct.check(reserved: error.reserved, "bridge_error.reserved")
    let type = try text(error.type, "the error's type")
    call.call.setFailure(
      ToolFailure(
        code: (1...16).contains(error.code) ? error.code : bridge_status(BRIDGE_UNKNOWN),
        message: try text(error.message, "the error's message"),
        type: type.isEmpty ? "tool_error" : type,
        details: try text(error.details, "the error's details"),
        isRetryable: error.flags & UInt32(BRIDGE_ERROR_RETRYABLE) != 0))
    return .ok
  }
}

private func lastError(
  _ handle: OpaquePointer?, _ error: UnsafeMutablePointer<bridge_error>?
) -> bridge_status {
  withCall(handle) { call in
    guard let last = call.lastError else { return bridge_status(BRIDGE_NOT_FOUND) }
    var view = last.view
    try ABIStruct.write(
      &view, MemoryLayout<bridge_error>.size, to: error, "bridge_error",
      released: ABIStruct.Released.error)
    return .ok
  }
}

private func log(_ handle: OpaquePointer?, _ level: bridge_log_level, _ message: bridge_str) {
  guard let call = Handles.calls[handle] else { return }
  call.services.log(
    Logger.Level(abi: level), String(decoding: message.bytes ?? [], as: UTF8.self), from: call.call)
}

private func state(
  _ handle: OpaquePointer?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let kept = call.kept else {
      throw SessionError(.variableNotFound, "the plugin keeps nothing for this session")
    }
    state?.pointee = kept.value
    return .ok
  }
}

private func keepState(
  _ handle: OpaquePointer?, _ state: UnsafeMutableRawPointer?, _ release: bridge_release?,
  _ kept: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> bridge_status {
  withCall(handle) { call in
    let (now, isNew) = call.keep(state, release)
    kept?.pointee = now.value
    // No error that anybody reads the detail of: another call was faster.
    return isNew ? .ok : bridge_status(BRIDGE_ALREADY_EXISTS)
  }
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
