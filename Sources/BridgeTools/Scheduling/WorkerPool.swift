internal import DequeModule
internal import Glibc
internal import Threads

/// Threads that run what may block: tools and their callbacks.
///
/// As many jobs run at once as there are cores. A job that is still running after a millisecond or
/// two is taken for blocked and no longer counts: the next one starts on another thread, up to the
/// limit. So short jobs share a few threads that stay awake, and long ones keep nobody waiting.
///
/// To wake a thread costs more than a short job. So jobs that are expected to be short (`JobPace`) are left to
/// a thread that runs such ones, as long as it keeps up; an event loop wakes a thread for all of a turn
/// together; and what such jobs themselves wake is woken when there is no more of them, or soon.
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
  /// Those of them without one; who began to wait last goes on first.
  @exclusivity(unchecked) private var idleWorkers: [Worker] = []
  /// Threads that were made or given a permit and have not looked at the queue yet.
  @exclusivity(unchecked) private var waking = 0
  /// Jobs that run and are not taken for blocked.
  @exclusivity(unchecked) private var active = 0
  @exclusivity(unchecked) private var workers: [Worker] = []
  @exclusivity(unchecked) private var tick: UInt64 = 0
  @exclusivity(unchecked) private var hasTicker = false
  @exclusivity(unchecked) private var isStopping = false
  /// Threads that run a short job.
  @exclusivity(unchecked) private var shortJobs = 0
  /// How long short jobs have taken lately, in nanoseconds.
  @exclusivity(unchecked) private var shortJobTime: Int64 = 10_000
  /// Those that look for whom to wake at the end of their turn.
  @exclusivity(unchecked) private var turns: [ObjectIdentifier] = []

  /// Short jobs that take longer together are too many for one thread. Nanoseconds.
  private static let backlog: Int64 = 200_000
  /// For so long wakes are put off. Nanoseconds.
  private static let patience: Int64 = 100_000

  private let activeTarget = max(2, sysconf(CInt(_SC_NPROCESSORS_ONLN)))

  private struct OwnedJob {
    let owner: Owner?
    let pace: JobPace?
    let run: Job

    var isShort: Bool { pace?.isShort ?? false }
  }

  private struct HeldJob {
    let job: OwnedJob
    let call: ToolCall?
  }

  /// Whose jobs they are. Guarded by the pool's lock.
  private final class Owner {
    let id: UInt64
    /// Jobs that run or are next.
    @exclusivity(unchecked) var admitted = 0
    /// Jobs that wait until fewer are.
    @exclusivity(unchecked) var held: Deque<HeldJob> = []
    /// How long its jobs took lately while others of them were held.
    @exclusivity(unchecked) var times = TurnTimes()
    /// Who is to look once there is a place again; nobody where there is one.
    @exclusivity(unchecked) var watchers: [ObjectIdentifier: Job] = [:]

    init(_ id: UInt64) { self.id = id }
  }

  /// How many threads the jobs of one owner may have: an eighth is left to others.
  var ownerLimit: Int { threadLimit - threadLimit / 8 }
  /// How many jobs of one owner may wait for those; likewise.
  private var heldLimit: Int { queueLimit - queueLimit / 8 }

  /// What one thread does. Guarded by the pool's lock.
  private final class Worker {
    @exclusivity(unchecked) var isRunning = false
    /// It waits for a permit, and has been given one.
    @exclusivity(unchecked) var isIdle = false
    @exclusivity(unchecked) var isCalled = false
    let permits = Semaphore()
    @exclusivity(unchecked) var owner: Owner?
    @exclusivity(unchecked) var isTakenForBlocked = false
    @exclusivity(unchecked) var startedAt: UInt64 = 0
    /// It runs a job that is expected to be short.
    @exclusivity(unchecked) var isShort = false
    let thread = pthread_self()
    /// What its short jobs have woken, so to speak.
    let wakes = PutOffWakes()
    // The thread's own.
    /// How long its last job took, in nanoseconds; 0 where nobody wants to know.
    @exclusivity(unchecked) var lastTime: Int64 = 0
    /// Since when wakes are put off.
    @exclusivity(unchecked) private(set) var putsOffSince: Int64?
    /// What the clock said when its last job had ended; nil once it has waited.
    @exclusivity(unchecked) var now: Int64?

    /// From now on wakes are put off, if they are not already.
    func putOff(from now: Int64) {
      guard putsOffSince == nil else { return }
      putsOffSince = now
      wakes.open()
    }

    /// Sees to what was put off; from now on nothing is.
    func flush() {
      guard putsOffSince != nil else { return }
      putsOffSince = nil
      wakes.flush()
      // To wake others takes a while.
      now = nil
    }
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
  ///   - hasPlace: Whether it was reserved one.
  ///   - pace: How long such jobs take, and where it is noted how long this one does.
  ///   - turn: Who asks, if more may come at once: a thread is woken for a short job when this turn ends.
  /// - Returns: false when as many jobs wait as may, or the pool is stopping; the job is dropped.
  func submit(
    _ job: @escaping Job, owner: UInt64? = nil, isContinuation: Bool = false,
    hasPlace: Bool = false, pace: JobPace? = nil, turn: (any TurnTaker)? = nil
  ) -> Bool {
    offer(
      job, owner: owner, isContinuation: isContinuation, hasPlace: hasPlace, pace: pace, turn: turn
    ) == .accepted
  }

  /// What becomes of a job.
  enum Answer {
    case accepted
    /// As many wait as may, or the pool is stopping; the job is dropped.
    case refused
    /// It would surely come after its call's deadline; the job is dropped.
    case hopeless
  }

  /// The same.
  ///
  /// - Parameter call: What the job is for, to tell whether it is hopeless.
  func offer(
    _ job: @escaping Job, for call: ToolCall? = nil, owner: UInt64? = nil,
    isContinuation: Bool = false, hasPlace: Bool = false, pace: JobPace? = nil,
    turn: (any TurnTaker)? = nil
  ) -> Answer {
    var next = Call.nobody
    var needsTicker = false
    var looksLater = false
    let answer = lock.withLock { () -> Answer in
      // Jobs for which there is a thread, or can be one, do not count as waiting.
      let limit = queueLimit + idle + (threadLimit - threads)
      let job = OwnedJob(owner: owner.map(self.owner), pace: pace, run: job)
      guard isContinuation || (!isStopping && queue.count + heldCount < limit) else {
        if hasPlace { jobEnded(of: job.owner, after: 0) }
        return .refused
      }
      let answer = enqueue(job, for: call, isContinuation: isContinuation, hasPlace: hasPlace)
      if answer != .accepted { return answer }
      needsTicker = !hasTicker
      hasTicker = true
      if !job.isShort {
        next = callWorker()
      } else if shortJobs > 0 || waking > 0 {
        if isBehind { next = callWorker() }
      } else if let turn {
        looksLater = !turns.contains(turn.id)
        if looksLater { turns.append(turn.id) }
      } else {
        next = callWorker()
      }
      return .accepted
    }
    act(next)
    if looksLater, let turn { turn.atEndOfTurn { self.turnEnded(turn.id) } }
    if needsTicker && !startThread(named: "pool-ticker", { self.runTicker() }) {
      lock.withLock { hasTicker = false }
    }
    return answer
  }

  /// The turn is over of which jobs came: they need a thread.
  private func turnEnded(_ id: ObjectIdentifier) {
    act(
      lock.withLock {
        turns.removeAll { $0 == id }
        return shortJobs > 0 || waking > 0 ? .nobody : callWorker()
      })
  }

  /// Whether more short jobs wait than those that run them will soon be through with. Under the lock.
  private var isBehind: Bool {
    Int64(queue.count) * shortJobTime > Self.backlog * Int64(shortJobs + waking)
  }

  /// Lets threads end once the queue is empty. Does not wait for them.
  func stop() {
    lock.withLock {
      isStopping = true
      for worker in idleWorkers { worker.permits.signal() }
      idleWorkers = []
    }
  }

  /// Puts a job into the queue, or among those that wait for others of their owner. Under the lock.
  private func enqueue(
    _ job: OwnedJob, for call: ToolCall?, isContinuation: Bool, hasPlace: Bool
  ) -> Answer {
    guard let owner = job.owner, !hasPlace else {
      queue.append(job)
      return .accepted
    }
    if owner.admitted < ownerLimit {
      owner.admitted += 1
      queue.append(job)
      return .accepted
    }
    if !isContinuation {
      if owner.held.count >= heldLimit { return .refused }
      if let deadline = call?.request.deadline,
        owner.times.isHopeless(
          deadline, limit: ownerLimit, behind: owner.held,
          { ($0.call?.isWanted != false, $0.call?.request.deadline) })
      {
        return .hopeless
      }
    }
    owner.held.append(HeldJob(job: job, call: call))
    heldCount += 1
    return .accepted
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
  ///
  /// - Parameter time: That it has taken, in nanoseconds; 0 where that is not known.
  private func jobEnded(of owner: Owner?, after time: Int64) {
    guard let owner else { return }
    if let next = owner.held.popFirst() {
      owner.times.note(time)
      heldCount -= 1
      queue.append(next.job)
    } else {
      owner.admitted -= 1
      if !owner.watchers.isEmpty {
        queue += owner.watchers.values.map { OwnedJob(owner: nil, pace: nil, run: $0) }
        owner.watchers = [:]
      }
      forget(ifIdle: owner)
    }
  }

  /// Takes one of an owner's places for a job that comes soon, or for `giveBack`.
  ///
  /// - Parameters:
  ///   - watcher: Who asks; of each one wish is kept.
  ///   - whenFree: Called once there may be a place again, on one of the threads, where there is none.
  /// - Returns: Whether there is one.
  func reserve(
    _ owner: UInt64?, for watcher: ObjectIdentifier, _ whenFree: @escaping Job
  ) -> Bool {
    guard let owner else { return true }
    return lock.withLock {
      let owner = self.owner(owner)
      if owner.admitted < ownerLimit {
        owner.admitted += 1
        return true
      }
      owner.watchers[watcher] = whenFree
      return false
    }
  }

  /// Gives a place back that was taken and not used.
  func giveBack(_ owner: UInt64?) {
    guard let owner else { return }
    act(
      lock.withLock {
        jobEnded(of: self.owner(owner), after: 0)
        return callWorker()
      })
  }

  /// Whom to call to the queue, once the lock is let go of: who is woken needs it first.
  private enum Call {
    case nobody
    case idle(Worker)
    case newThread
  }

  /// Calls a thread to the queue, if a job may run beside those that do. Under the lock.
  private func callWorker() -> Call {
    guard active + waking < activeTarget, waking < queue.count else { return .nobody }
    if let worker = idleWorkers.popLast() {
      worker.isCalled = true
      waking += 1
      return .idle(worker)
    }
    guard threads < threadLimit else { return .nobody }
    threads += 1
    waking += 1
    return .newThread
  }

  private func act(_ call: Call) {
    switch call {
    case .nobody: break
    case .idle(let worker): worker.permits.signal()
    case .newThread: startWorker()
    }
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
    worker.wakes.asCurrent {
      while let (job, isShort) = nextJob(worker) {
        guard let pace = job.pace else {
          worker.flush()
          job.run()
          worker.now = nil
          worker.lastTime = 0
          continue
        }
        if !isShort { worker.flush() }
        let began = worker.now ?? MonotonicClock.now
        if isShort { worker.putOff(from: began) }
        job.run()
        let now = MonotonicClock.now
        worker.now = now
        worker.lastTime = now - began
        pace.note(worker.lastTime)
        if let since = worker.putsOffSince, now - since > Self.patience { worker.flush() }
      }
    }
  }

  /// Waits for a job.
  ///
  /// - Returns: nil when the pool stops; else the job, and whether it is taken for a short one.
  private func nextJob(_ worker: Worker) -> (OwnedJob, isShort: Bool)? {
    while true {
      switch step(worker) {
      case .run(let job, let isShort, let call):
        act(call)
        return (job, isShort)
      case .flush: worker.flush()
      case .wait:
        worker.permits.wait()
        worker.now = nil
      case .end: return nil
      }
    }
  }

  private enum Step {
    case run(OwnedJob, isShort: Bool, Call)
    /// There is nothing to do: wake those whose wakes were put off, and look again.
    case flush
    /// Wait for a permit.
    case wait
    case end
  }

  private func step(_ worker: Worker) -> Step {
    lock.withLock {
      if worker.isRunning {
        worker.isRunning = false
        if !worker.isTakenForBlocked {
          leave(worker)
          if worker.isShort {
            shortJobTime += (min(worker.lastTime, 2 * JobPace.short) - shortJobTime) / 16
          }
        }
        jobEnded(of: worker.owner, after: worker.lastTime)
      }
      if worker.isIdle {
        worker.isIdle = false
        idle -= 1
        if worker.isCalled { waking -= 1 }
        worker.isCalled = false
      }
      if !queue.isEmpty && (active < activeTarget || isStopping) {
        let next = queue.removeFirst()
        worker.isRunning = true
        worker.isTakenForBlocked = false
        worker.startedAt = tick
        worker.owner = next.owner
        worker.isShort = next.isShort
        active += 1
        if worker.isShort { shortJobs += 1 }
        // Those behind a job that may take long have waited for this thread.
        let call = worker.isShort && !isBehind ? .nobody : callWorker()
        return .run(next, isShort: worker.isShort, call)
      }
      if worker.putsOffSince != nil { return .flush }
      if isStopping {
        threads -= 1
        workers.removeAll { $0 === worker }
        return .end
      }
      worker.isIdle = true
      idle += 1
      idleWorkers.append(worker)
      return .wait
    }
  }

  /// The job of a worker no longer counts: it has ended, or is taken for blocked. Under the lock.
  private func leave(_ worker: Worker) {
    active -= 1
    if worker.isShort { shortJobs -= 1 }
  }

  /// The calling thread will not come back from its job: another one may take its place. Of a thread that
  /// is not of this pool nothing is known.
  func loseThread() {
    let (worker, call) = lock.withLock { () -> (Worker?, Call) in
      guard let index = workers.firstIndex(where: { pthread_equal($0.thread, pthread_self()) != 0 })
      else { return (nil, .nobody) }
      let worker = workers.remove(at: index)
      threads -= 1
      if !worker.isTakenForBlocked { leave(worker) }
      jobEnded(of: worker.owner, after: 0)
      return (worker, callWorker())
    }
    worker?.wakes.flush()
    act(call)
  }

  // MARK: The ticker

  /// Looks for jobs that block, every millisecond while jobs run and for a while after.
  private func runTicker() {
    var idleTicks = 0
    while idleTicks < 100 {
      var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
      nanosleep(&pause, nil)
      var blocked: [Worker] = []
      let (calls, isIdle) = lock.withLock { () -> ([Call], Bool) in
        tick += 1
        for worker in workers
        where worker.isRunning && !worker.isTakenForBlocked && worker.startedAt + 1 < tick {
          worker.isTakenForBlocked = true
          leave(worker)
          blocked.append(worker)
        }
        var calls: [Call] = []
        while true {
          let before = waking
          calls.append(callWorker())
          if waking == before { break }
        }
        let isIdle = active == 0 && queue.isEmpty && heldCount == 0
        if isIdle && idleTicks == 99 { hasTicker = false }
        return (calls, isIdle)
      }
      // They were to be short: what they have put off is late already.
      for worker in blocked { worker.wakes.flush() }
      for call in calls { act(call) }
      idleTicks = isIdle ? idleTicks + 1 : 0
    }
  }
}
