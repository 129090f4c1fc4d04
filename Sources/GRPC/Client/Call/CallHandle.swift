/// What a caller holds of a call: it is cancelled when the last holder lets go.
final class CallHandle: Sendable {
  let call: ClientCall

  init(_ call: ClientCall) { self.call = call }

  deinit { call.cancel() }

  /// Reads from the inbox; a task that is cancelled meanwhile cancels the call.
  func reading<Result: Sendable>(
    _ body: @Sendable (ResponseInbox) async throws(RPCError) -> Result
  ) async throws(RPCError) -> Result {
    let outcome = await withTaskCancellationHandler {
      do throws(RPCError) {
        return Swift.Result<Result, RPCError>.success(try await body(call.inbox))
      } catch {
        return .failure(error)
      }
    } onCancel: {
      call.cancel()
    }
    return try outcome.get()
  }
}
