internal import DequeModule
internal import NIOPosix
internal import Synchronization
internal import Threads

/// Threads for what would hold up an event loop.
final class WorkerThreads: Sendable {
  typealias Work = @Sendable () -> Void

  private let submit: @Sendable (@escaping Work) -> Void
  /// Work that is being done.
  private let count = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)

  /// Those that the process has for work that blocks; they are made when first needed.
  convenience init() {
    self.init { work in NIOThreadPool.singleton.submit { _ in work() } }
  }

  /// Threads of their own, as many at most, which live as long as there is work.
  convenience init(named name: StaticString, atMost limit: Int) {
    let threads = OwnThreads(name: name, limit: limit)
    self.init { threads.submit($0) }
  }

  init(submit: @escaping @Sendable (@escaping Work) -> Void) {
    self.submit = submit
  }

  /// Runs `work` on one of them. `[any thread]`
  func run(_ work: @escaping Work) {
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

private final class OwnThreads: Sendable {
  private let name: StaticString
  private let limit: Int
  private let state = Locked((waiting: Deque<WorkerThreads.Work>(), running: 0))

  init(name: StaticString, limit: Int) {
    self.name = name
    self.limit = limit
  }

  func submit(_ work: @escaping WorkerThreads.Work) {
    let mayStart = state.withLock { state in
      state.waiting.append(work)
      guard state.running < limit else { return false }
      state.running += 1
      return true
    }
    guard mayStart else { return }
    if !startThread(named: name, { self.runAll() }) {
      // Without a thread to be had, one that there is.
      NIOThreadPool.singleton.submit { _ in self.runAll() }
    }
  }

  private func runAll() {
    while let work = next() { work() }
  }

  private func next() -> WorkerThreads.Work? {
    state.withLock { state in
      if let work = state.waiting.popFirst() { return work }
      state.running -= 1
      return nil
    }
  }
}
