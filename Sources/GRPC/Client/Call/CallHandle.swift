/// What a caller holds of a call: it is cancelled when the last holder lets go.
final class CallHandle: Sendable {
  let call: ClientCall

  init(_ call: ClientCall) { self.call = call }

  deinit { call.cancel() }

  /// Reads from the inbox; a task that is cancelled meanwhile cancels the call.
  func reading<Value: Sendable>(
    _ body: @Sendable (ResponseInbox) async throws(RPCError) -> Value
  ) async throws(RPCError) -> Value {
    let outcome = await withTaskCancellationHandler {
      do throws(RPCError) {
        return Result<Value, RPCError>.success(try await body(call.inbox))
      } catch {
        return .failure(error)
      }
    } onCancel: {
      call.cancel()
    }
    return try outcome.get()
  }
}
