extension CallContext {
  /// Whether the call was cancelled or its deadline has passed.
  public var isCancelled: Bool { state.api.status != Status.ok }

  /// Throws `cancelled` or `deadlineExceeded` when the call is over. A tool that works long calls
  /// this, or `progress`, now and then, and lets the error through.
  public func checkCancellation() throws(ToolError) {
    try state.api.checkCancellation(state.api.status)
  }

  /// The time left until the deadline, zero when it has passed; nil without a deadline.
  public var remainingTime: Duration? {
    var nanoseconds = Int64.max
    let status = state.api.table.remaining!(state.api.call.pointer, &nanoseconds)
    return status == Status.ok && nanoseconds != .max ? .nanoseconds(nanoseconds) : nil
  }

  /// Sleeps, and throws at once when the call is over. Keeps the thread.
  public func sleep(for duration: Duration) throws(ToolError) {
    try state.api.checkCancellation(
      state.api.table.sleep!(state.api.call.pointer, duration.wholeNanoseconds))
  }

  /// Sleeps without keeping the thread, and throws when the call is over.
  public func sleep(for duration: Duration) async throws {
    try? await Task.sleep(for: duration)
    try checkCancellation()
    try Task.checkCancellation()
  }

  /// Reports how much is done, from 0 to 1, with a text that may be empty. Throws when the call is
  /// over, so a tool that reports progress needs nothing else to be cancellable.
  public func progress(_ fraction: Double, _ message: String = "") throws(ToolError) {
    let status = message.withView {
      state.api.table.progress!(state.api.call.pointer, fraction, $0)
    }
    try state.api.checkCancellation(status)
  }
}
