internal import DequeModule
internal import Glibc

/// Threads that run what may block: tools and their callbacks.
///
/// Threads are made when work comes and none is idle, up to a limit, and stay. Thread-safe.
// @unchecked: the queue and the counts are guarded by the condition's lock.
final class WorkerPool: @unchecked Sendable {
  typealias Job = @Sendable () -> Void

  let threadLimit: Int
  let queueLimit: Int

  private let condition = Condition()
  private var queue: Deque<Job> = []
  private var threads = 0
  private var idle = 0
  private var isStopping = false

  /// - Parameter queueLimit: Jobs that may wait for a thread.
  init(threads threadLimit: Int, queueLimit: Int) {
    self.threadLimit = threadLimit
    self.queueLimit = queueLimit
  }

  /// Runs a job on one of the threads, in order of submission as far as threads are free.
  ///
  /// - Returns: false when as many jobs wait as may, or the pool is stopping; the job is dropped.
  func submit(_ job: @escaping Job) -> Bool {
    let (accepted, makeThread) = condition.withLock { () -> (Bool, Bool) in
      // Jobs for which a thread is idle or can be made do not count as waiting.
      let free = idle + (threadLimit - threads)
      guard !isStopping, queue.count < queueLimit + free else { return (false, false) }
      queue.append(job)
      if idle >= queue.count {
        condition.signal()
        return (true, false)
      }
      guard threads < threadLimit else { return (true, false) }
      threads += 1
      return (true, true)
    }
    if makeThread { startThread() }
    return accepted
  }

  /// Lets threads end once the queue is empty. Does not wait for them.
  func stop() {
    condition.withLock {
      isStopping = true
      condition.broadcast()
    }
  }

  private func startThread() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    let result = pthread_create(&thread, nil, workerThread, context)
    if result == 0 {
      pthread_detach(thread)
      return
    }
    // EAGAIN: the system has no more threads. Others serve the queue, if there are any.
    Unmanaged<WorkerPool>.fromOpaque(context).release()
    let orphan = condition.withLock { () -> Job? in
      threads -= 1
      return threads == 0 ? queue.popFirst() : nil
    }
    orphan?()
  }

  fileprivate func run() {
    while let job = nextJob() { job() }
  }

  private func nextJob() -> Job? {
    condition.withLock {
      while queue.isEmpty {
        if isStopping {
          threads -= 1
          return nil
        }
        idle += 1
        condition.wait()
        idle -= 1
      }
      return queue.removeFirst()
    }
  }
}

private func workerThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let pool = Unmanaged<WorkerPool>.fromOpaque(context!).takeRetainedValue()
  pool.run()
  return nil
}
