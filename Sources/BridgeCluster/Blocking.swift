internal import GRPC
internal import Threads

/// Waits on this thread for what a task does.
///
/// - Parameter executor: Runs the task; not this thread.
func blocking<Value: Sendable>(
  on executor: any TaskExecutor,
  _ body: @escaping @Sendable () async throws(RPCError) -> Value
) throws(RPCError) -> Value {
  let outcome = Outcome<Value>()
  Task.detached(executorPreference: executor) {
    do throws(RPCError) {
      outcome.set(.success(try await body()))
    } catch {
      outcome.set(.failure(error))
    }
  }
  return try outcome.wait().get()
}

private final class Outcome<Value: Sendable>: Sendable {
  private let result = Locked<Result<Value, RPCError>?>(nil)
  private let isThere = Semaphore()

  func set(_ value: Result<Value, RPCError>) {
    result.withLock { $0 = value }
    isThere.signal()
  }

  func wait() -> Result<Value, RPCError> {
    isThere.wait()
    return result.withLock { $0! }
  }
}
