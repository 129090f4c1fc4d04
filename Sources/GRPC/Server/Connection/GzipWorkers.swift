internal import NIOPosix
internal import Synchronization

/// The threads that inflate and compress what would hold up an event loop.
final class GzipWorkers: Sendable {
  private let submit: @Sendable (@escaping @Sendable () -> Void) -> Void
  /// Work that is being done.
  private let count = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)

  /// Those that the process has for work that blocks; they are made when first needed.
  convenience init() {
    self.init { work in NIOThreadPool.singleton.submit { _ in work() } }
  }

  init(submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
    self.submit = submit
  }

  /// Runs `work` on one of them. `[any thread]`
  func run(_ work: @escaping @Sendable () -> Void) {
    submit {
      // In this order: who has stopped it sees the count, or this sees that it is stopped.
      self.count.add(1, ordering: .sequentiallyConsistent)
      if !self.isStopped.load(ordering: .sequentiallyConsistent) { work() }
      self.count.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Begins no more work, whoever waits for it.
  func stop() { isStopped.store(true, ordering: .sequentiallyConsistent) }

  /// Whether none is being done.
  var isIdle: Bool { count.load(ordering: .sequentiallyConsistent) == 0 }
}
