import Threads

/// A thread that can be waited for.
final class Thread: Sendable {
  private let condition = Condition()
  private let isDone = Locked(false)

  init(_ body: @escaping @Sendable () -> Void) {
    let hasStarted = startThread(named: "test") { [condition, self] in
      body()
      condition.withLock {
        self.isDone.withLock { $0 = true }
        condition.broadcast()
      }
    }
    precondition(hasStarted, "the system has no more threads")
  }

  func join() {
    condition.withLock {
      while !isDone.withLock({ $0 }) { condition.wait() }
    }
  }
}
