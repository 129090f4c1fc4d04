extension VariableReading {
  /// Tells of changes of variables, as they are committed, until the handle or the call ends.
  ///
  ///     let handle = try call.variables.watch("temperature") { change in ... }
  ///
  /// - Parameters:
  ///   - identifiers: Names, ids and patterns with `*`; none stand for everything. What is named
  ///     need not exist yet.
  ///   - initial: Whether to tell first of the variables as they are.
  ///   - details: Whether the variables come with details, as in `variable`.
  ///   - onChange: Called on a thread of the host, with one change at a time, in order. It may use
  ///     the call and its variables; while it works, later changes wait.
  /// - Returns: A handle that must be kept: when it goes, the watch ends.
  public func watch(
    _ identifiers: String..., initial: Bool = true, details: Bool = false,
    _ onChange: @escaping @Sendable (VariableChange) -> Void
  ) throws(ToolError) -> WatchHandle {
    try watch(identifiers, initial: initial, details: details, onChange)
  }

  /// Tells of changes of a list of variables; see the other `watch`.
  public func watch(
    _ identifiers: [String], initial: Bool = true, details: Bool = false,
    _ onChange: @escaping @Sendable (VariableChange) -> Void
  ) throws(ToolError) -> WatchHandle {
    let watch = try ActiveWatch(
      identifiers, initial: initial, details: details, api: state.api, onChange: onChange)
    guard state.add(watch) else {
      watch.cancel()
      throw ToolError(.failedPrecondition, "the call is over")
    }
    return WatchHandle(watch, of: state)
  }

  /// Waits until a variable has a value that satisfies a condition, and answers that value.
  ///
  ///     let ready = try call.variables.waitFor("progress", as: Double.self) { $0 >= 1 }
  ///
  /// Sees every value from the present one on; the variable need not exist yet. Keeps the thread:
  /// an `AsyncTool` uses `changes`.
  ///
  /// - Parameter predicate: Called on a thread of the host.
  /// - Throws: `cancelled` or `deadlineExceeded` when the call is over, `aborted` when the watch
  ///   ends, `invalidArgument` when the variable is of another type.
  @available(*, noasync, message: "it keeps the thread; iterate over `changes` instead")
  public func waitFor<Value: ToolValueConvertible>(
    _ identifier: String, as type: Value.Type = Value.self,
    where predicate: @escaping @Sendable (Value) -> Bool
  ) throws(ToolError) -> Value {
    let waiter = Waiter<Result<Value, ToolError>>()
    let handle = try watch([identifier], initial: true) { change in
      do throws(ToolError) {
        if change.kind == .ended { throw change.endError }
        if let value = try change.value(as: type), predicate(value) {
          waiter.deliver(.success(value))
        }
      } catch {
        waiter.deliver(.failure(error))
      }
    }
    defer { handle.cancel() }
    let listener = try CancellationListener(of: state.api) { waiter.deliver(.failure($0)) }
    defer { listener.forget() }
    return try waiter.wait().get()
  }
}
