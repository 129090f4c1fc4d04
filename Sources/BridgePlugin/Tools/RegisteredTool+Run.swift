internal import BridgePluginABI

/// Runs one call: what the host calls. The handle of a read-only tool's variables is the same type
/// in Swift; that it cannot write is in the type of its call.
func runTool(
  context: UnsafeMutableRawPointer?, call: OpaquePointer?, variables: OpaquePointer?
) -> bridge_status {
  guard let context, let call, let variables else { return Status.internalError }
  let tool = Unmanaged<RegisteredTool>.fromOpaque(context).takeUnretainedValue()
  let api = CallAPI(
    host: tool.host, call: Handle(pointer: call), variables: Handle(pointer: variables))
  let state: CallState
  do {
    state = CallState(api: api, arguments: try tool.parameters.map { try $0.read(from: api) })
  } catch {
    return api.fail(ToolError(error))
  }
  switch tool.body {
  case .synchronous(let body):
    return state.finish(Result { try body(ToolCall(state: state)) })
  case .readOnly(let body):
    return state.finish(Result { try body(ReadOnlyToolCall(state: state)) })
  case .asynchronous(let body):
    return state.start(body)
  }
}

extension CallState {
  /// Hands the outcome to the host and ends what the call left open.
  func finish(_ outcome: Result<ToolValue, any Error>) -> bridge_status {
    endWatches()
    do {
      let value = try outcome.get()
      if let fault { throw fault }
      try api.check(value.withABI { api.table.result!(api.call.pointer, $0) })
      return Status.ok
    } catch is CancellationError {
      let status = api.status
      return api.fail(api.cancellation(status == Status.ok ? Status.cancelled : status))
    } catch {
      return api.fail(ToolError(error))
    }
  }

  /// Keeps the call open and runs it in a task, which ends it.
  func start(_ body: @escaping @Sendable (ToolCall) async throws -> ToolValue) -> bridge_status {
    var token: OpaquePointer?
    let status = api.table.retain!(api.call.pointer, &token)
    guard status == Status.ok, let token = token.map(Handle.init) else {
      return api.fail(api.error(status == Status.ok ? Status.internalError : status))
    }
    Task {
      let outcome = await self.run(body)
      let status = self.finish(outcome)
      _ = self.api.table.complete!(token.pointer, status)
    }
    return Status.pending
  }

  /// Runs the body beside a look-out for the call's cancellation, of which the host does not tell.
  private func run(
    _ body: @escaping @Sendable (ToolCall) async throws -> ToolValue
  ) async -> Result<ToolValue, any Error> {
    await withTaskGroup(of: Result<ToolValue, any Error>?.self) { group in
      group.addTask {
        do {
          return .success(try await body(ToolCall(state: self)))
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        while !Task.isCancelled && self.api.status == Status.ok {
          try? await Task.sleep(for: .milliseconds(50))
        }
        return nil
      }
      var outcome: Result<ToolValue, any Error> = .failure(CancellationError())
      for await result in group {
        if let result { outcome = result }
        group.cancelAll()
      }
      return outcome
    }
  }
}
