internal import BridgePluginABI

extension CallContext {
  /// Streams one chunk: a value, which goes as JSON, or `Bytes`, which go as they are.
  ///
  /// While the client is slower than the tool this waits, keeping the thread. Throws `cancelled` or
  /// `deadlineExceeded` when the call is over, `failedPrecondition` when nobody streams from it.
  public func emit(_ chunk: some ToolValueConvertible) throws(ToolError) {
    while try !tryEmit(chunk) {
      try state.api.checkCancellation(state.api.table.wait_for_room!(state.api.call.pointer))
    }
  }

  /// Streams one chunk like the other `emit`, waiting without keeping the thread.
  public func emit(_ chunk: some ToolValueConvertible) async throws {
    var pause = Duration.milliseconds(1)
    while try !tryEmit(chunk) {
      try await sleep(for: pause)
      pause = min(pause * 2, .milliseconds(32))
    }
  }

  /// Streams one chunk if there is room for it.
  ///
  /// - Returns: False where there is none; nothing was taken then.
  public func tryEmit(_ chunk: some ToolValueConvertible) throws(ToolError) -> Bool {
    let status = chunk.toolValue.withABI {
      state.api.table.emit!(state.api.call.pointer, $0)
    }
    if status == Status.full { return false }
    try state.api.checkCancellation(status)
    return true
  }
}
