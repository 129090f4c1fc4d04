internal import BridgePluginABI
internal import Synchronization

/// Runs one call: what the host calls. The handle of a read-only tool's variables is the same type
/// in Swift; that it cannot write is in the type of its call.
func runTool(
  context: UnsafeMutableRawPointer?, call: OpaquePointer?, variables: OpaquePointer?
) -> bridge_status {
  guard let context, let call, let variables else { return Status.internalError }
  let tool = Unmanaged<RegisteredTool>.fromOpaque(context).takeUnretainedValue()
  let api = CallAPI(
    host: tool.host, call: Handle(pointer: call), variables: Handle(pointer: variables))
  var arguments: Argument?
  do throws(ToolError) {
    for reader in tool.readers { arguments = try reader(api, arguments) }
  } catch {
    return api.fail(error)
  }
  let state = CallState(api: api, arguments: arguments)
  do {
    switch tool.body {
    case .synchronous(let body):
      return state.finish(try body(ToolCall(state: state)))
    case .readOnly(let body):
      return state.finish(try body(ReadOnlyToolCall(state: state)))
    case .asynchronous(let body):
      return state.start(body)
    }
  } catch {
    return state.fail(error)
  }
}

extension CallState {
  /// Ends what the call left open and hands the result to the host.
  func finish(_ value: ToolValue) -> bridge_status {
    if let fault = close() { return api.fail(fault) }
    let status = value.giveABI { value, release, context in
      release == nil
        ? api.table.result!(api.call.pointer, value)
        : api.table.give_result!(api.call.pointer, value, release, context)
    }
    return status == Status.ok ? status : api.fail(api.error(status))
  }

  /// Ends what the call left open and tells the host why the tool fails.
  func fail(_ error: any Error) -> bridge_status {
    _ = close()
    guard error is CancellationError else { return api.fail(ToolError(error)) }
    let status = api.status
    return api.fail(CallAPI.cancellation(status == Status.ok ? Status.cancelled : status))
  }

  /// Keeps the call open and runs it in a task, which ends it.
  func start(_ body: @escaping @Sendable (ToolCall) async throws -> ToolValue) -> bridge_status {
    let running = RunningTask()
    let listener: CancellationListener
    let token: Handle
    do {
      token = try api.retain()
      // Before the task, which may end the call at once.
      listener = try CancellationListener(of: api) { _ in running.cancel() }
    } catch {
      return api.fail(error)
    }
    running.begin(
      Task {
        let status: bridge_status
        do {
          status = self.finish(try await body(ToolCall(state: self)))
        } catch {
          status = self.fail(error)
        }
        listener.forget()
        _ = self.api.table.complete!(token.pointer, status)
      })
    return Status.pending
  }
}

/// A task that may be cancelled before it is there.
private final class RunningTask: Sendable {
  private let state = Mutex(State.awaited)

  private enum State {
    case awaited
    case cancelled
    case begun(Task<Void, Never>)
  }

  func begin(_ task: Task<Void, Never>) {
    let isCancelled = state.withLock { state in
      if case .cancelled = state { return true }
      state = .begun(task)
      return false
    }
    if isCancelled { task.cancel() }
  }

  /// Cancels the task, outside the lock: that runs the handlers of whoever waits in it.
  func cancel() {
    let task = state.withLock { state -> Task<Void, Never>? in
      if case .begun(let task) = state { return task }
      state = .cancelled
      return nil
    }
    task?.cancel()
  }
}
