internal import GRPC
internal import Threads

/// Threads for what operators ask for and what takes long: one for each call, a few at once.
///
/// Thread-safe.
final class AdminThreads: Sendable {
  private let running = Locked(0)

  static let limit = 16

  /// Runs `body` on a thread of its own.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when too many run.
  func run(_ body: @escaping @Sendable () -> Void) throws(RPCError) {
    let hasRoom = running.withLock { running in
      if running >= Self.limit { return false }
      running += 1
      return true
    }
    let isStarted =
      hasRoom
      && startThread(named: "admin") {
        body()
        self.running.withLock { $0 -= 1 }
      }
    if isStarted { return }
    if hasRoom { running.withLock { $0 -= 1 } }
    throw RPCError(
      .resourceExhausted,
      "\(Self.limit) calls of the tool admin service run that change plugins; try again later",
      reason: .limitReached, isTransient: true)
  }
}
