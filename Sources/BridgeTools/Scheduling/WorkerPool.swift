internal import DequeModule
internal import Glibc
internal import Threads

/// Threads that run what may block: tools and their callbacks.
///
/// As many jobs run at once as there are cores. A job that is still running after a millisecond or
/// two is taken for blocked and no longer counts: the next one starts on another thread, up to the
/// limit. So short jobs share a few threads that stay awake, and long ones keep nobody waiting.
/// Thread-safe.
// @unchecked: all state is guarded by the lock.
final class WorkerPool: @unchecked Sendable {
  typealias Job = @Sendable () -> Void

  private let name: StaticString
  let threadLimit: Int
  let queueLimit: Int

  private let lock = Condition()
  @exclusivity(unchecked) private var queue: Deque<OwnedJob> = []
  /// Those who have jobs, and the one whose job came last.
  @exclusivity(unchecked) private var owners: [UInt64: Owner] = [:]
  @exclusivity(unchecked) private var lastOwner: Owner?
  /// Jobs that wait until their owner has fewer.
  @exclusivity(unchecked) private var heldCount = 0
  @exclusivity(unchecked) private var threads = 0
  /// Threads that wait, those with a permit included.
  @exclusivity(unchecked) private var idle = 0
  /// How many waiting threads may go on.
  @exclusivity(unchecked) private var permits = 0
  /// Threads that were made or given a permit and have not looked at the queue yet.
  @exclusivity(unchecked) private var waking = 0
  /// Jobs that run and are not taken for blocked.
  @exclusivity(unchecked) private var active = 0
  @exclusivity(unchecked) private var workers: [Worker] = []
  @exclusivity(unchecked) private var tick: UInt64 = 0
  @exclusivity(unchecked) private var hasTicker = false
  @exclusivity(unchecked) private var isStopping = false

  private let activeTarget = max(2, sysconf(CInt(_SC_NPROCESSORS_ONLN)))

  private struct OwnedJob {
    let owner: Owner?
    let run: Job
  }

  /// Whose jobs they are. Guarded by the pool's lock.
  private final class Owner {
    let id: UInt64
    /// Jobs that run or are next.
    @exclusivity(unchecked) var admitted = 0
    /// Jobs that wait until fewer are.
    @exclusivity(unchecked) var held: Deque<OwnedJob> = []

    init(_ id: UInt64) { self.id = id }
  }

  /// How many threads the jobs of one owner may have: an eighth is left to others.
  var ownerLimit: Int { threadLimit - threadLimit / 8 }
  /// How many jobs of one owner may wait for those; likewise.
  private var heldLimit: Int { queueLimit - queueLimit / 8 }

  /// What one thread does. Guarded by the pool's lock.
  private final class Worker {
    @exclusivity(unchecked) var isRunning = false
    @exclusivity(unchecked) var owner: Owner?
    @exclusivity(unchecked) var isTakenForBlocked = false
    @exclusivity(unchecked) var startedAt: UInt64 = 0
    let thread = pthread_self()
  }

  /// - Parameters:
  ///   - name: Of its threads.
  ///   - queueLimit: Jobs that may wait for a thread.
  init(_ name: StaticString, threads threadLimit: Int, queueLimit: Int) {
    self.name = name
    self.threadLimit = threadLimit
    self.queueLimit = queueLimit
  }

  /// Runs a job on one of the threads, in order of submission as far as threads are free.
  ///
  /// - Parameters:
  ///   - owner: Whose job it is; beyond `ownerLimit` it waits for others of this owner. Jobs without
  ///     an owner wait for a thread alone.
  ///   - isContinuation: Whether the job goes on with work that was accepted before: it may wait beyond
  ///     the limit.
  /// - Returns: false when as many jobs wait as may, or the pool is stopping; the job is dropped.
  func submit(_ job: @escaping Job, owner: UInt64? = nil, isContinuation: Bool = false) -> Bool {
    let (isAccepted, needsThread, needsTicker) = lock.withLock { () -> (Bool, Bool, Bool) in
      // Jobs for which there is a thread, or can be one, do not count as waiting.
      let limit = queueLimit + idle + (threadLimit - threads)
      guard isContinuation || (!isStopping && queue.count + heldCount < limit),
        enqueue(job, owner, isContinuation: isContinuation)
      else { return (false, false, false) }
      let needsTicker = !hasTicker
      hasTicker = true
      return (true, callWorker(), needsTicker)
    }
    if needsThread { startWorker() }
    if needsTicker && !startThread(named: "pool-ticker", { self.runTicker() }) {
      lock.withLock { hasTicker = false }
    }
    return isAccepted
  }

  /// Lets threads end once the queue is empty. Does not wait for them.
  func stop() {
    lock.withLock {
      isStopping = true
      lock.broadcast()
    }
  }

  /// Puts a job into the queue, or among those that wait for others of their owner. Under the lock.
  ///
  /// - Returns: false when as many of its owner wait as may.
  private func enqueue(_ job: @escaping Job, _ owner: UInt64?, isContinuation: Bool) -> Bool {
    guard let owner = owner.map(self.owner) else {
      queue.append(OwnedJob(owner: nil, run: job))
      return true
    }
    let job = OwnedJob(owner: owner, run: job)
    if owner.admitted < ownerLimit {
      owner.admitted += 1
      queue.append(job)
    } else {
      guard isContinuation || owner.held.count < heldLimit else { return false }
      owner.held.append(job)
      heldCount += 1
    }
    return true
  }

  /// The owner of a number. Most jobs are of the same one as the last, which is not looked up. Under the
  /// lock.
  private func owner(_ id: UInt64) -> Owner {
    if let lastOwner, lastOwner.id == id { return lastOwner }
    let owner = owners[id] ?? Owner(id)
    owners[id] = owner
    let last = lastOwner
    lastOwner = owner
    if let last { forget(ifIdle: last) }
    return owner
  }

  /// Forgets an owner that has no jobs, unless the last one was its. Under the lock.
  private func forget(ifIdle owner: Owner) {
    if owner.admitted == 0 && owner !== lastOwner { owners[owner.id] = nil }
  }

  /// A job of an owner has ended: the next one that waits for that takes its place. Under the lock.
  private func jobEnded(of owner: Owner?) {
    guard let owner else { return }
    if let next = owner.held.popFirst() {
      heldCount -= 1
      queue.append(next)
    } else {
      owner.admitted -= 1
      forget(ifIdle: owner)
    }
  }

  /// Calls a thread to the queue, if a job may run beside those that do. Under the lock.
  ///
  /// - Returns: Whether the thread has yet to be made.
  private func callWorker() -> Bool {
    guard active + waking < activeTarget, waking < queue.count else { return false }
    if idle > permits {
      permits += 1
      waking += 1
      lock.signal()
      return false
    }
    guard threads < threadLimit else { return false }
    threads += 1
    waking += 1
    return true
  }

  private func startWorker() {
    if startThread(named: name, { self.runWorker() }) { return }
    // The system has no more threads: those there are go on, and the ticker tries again.
    lock.withLock {
      threads -= 1
      waking -= 1
    }
  }

  // MARK: Workers

  private func runWorker() {
    let worker = Worker()
    lock.withLock {
      workers.append(worker)
      waking -= 1
    }
    while let job = nextJob(worker) { job.run() }
  }

  private func nextJob(_ worker: Worker) -> OwnedJob? {
    lock.withLock {
      if worker.isRunning {
        worker.isRunning = false
        if !worker.isTakenForBlocked { active -= 1 }
        jobEnded(of: worker.owner)
      }
      while true {
        if !queue.isEmpty && (active < activeTarget || isStopping) {
          worker.isRunning = true
          worker.isTakenForBlocked = false
          worker.startedAt = tick
          active += 1
          let next = queue.removeFirst()
          worker.owner = next.owner
          return next
        }
        if isStopping {
          threads -= 1
          workers.removeAll { $0 === worker }
          return nil
        }
        idle += 1
        while permits == 0 && !isStopping { lock.wait() }
        idle -= 1
        if permits > 0 {
          permits -= 1
          waking -= 1
        }
      }
    }
  }

  /// The calling thread will not come back from its job: another one may take its place. Of a thread that
  /// is not of this pool nothing is known.
  func loseThread() {
    let needsThread = lock.withLock {
      guard let index = workers.firstIndex(where: { pthread_equal($0.thread, pthread_self()) != 0 })
      else { return false }
      let worker = workers.remove(at: index)
      threads -= 1
      if !worker.isTakenForBlocked { active -= 1 }
      jobEnded(of: worker.owner)
      return callWorker()
    }
    if needsThread { startWorker() }
  }

  // MARK: The ticker

  /// Looks for jobs that block, every millisecond while jobs run and for a while after.
  private func runTicker() {
    var idleTicks = 0
    while idleTicks < 100 {
      var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
      nanosleep(&pause, nil)
      let (threadsToMake, isIdle) = lock.withLock { () -> (Int, Bool) in
        tick += 1
        for worker in workers
        where worker.isRunning && !worker.isTakenForBlocked && worker.startedAt + 1 < tick {
          worker.isTakenForBlocked = true
          active -= 1
        }
        var threadsToMake = 0
        while true {
          let before = waking
          if callWorker() { threadsToMake += 1 }
          if waking == before { break }
        }
        let isIdle = active == 0 && queue.isEmpty && heldCount == 0
        if isIdle && idleTicks == 99 { hasTicker = false }
        return (threadsToMake, isIdle)
      }
      for _ in 0..<threadsToMake { startWorker() }
      idleTicks = isIdle ? idleTicks + 1 : 0
    }
  }
}
