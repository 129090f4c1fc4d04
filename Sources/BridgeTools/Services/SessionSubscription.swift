internal import BridgeSessions
internal import Threads

/// A tool's subscription to a session in this process: takes changes from the session's log on the
/// callback threads, and delivers them in order, one batch at a time.
// @unchecked: `state` is guarded by the lock.
final class SessionSubscription: VariableSubscription, @unchecked Sendable {
  private let callbacks: WorkerPool
  private let deliver: @Sendable ([VariableChange]) -> VariableDelivery
  private let lock = Condition()
  private var state = State()

  private struct State {
    var watch: Watch?
    var initial: (variables: [Variable], revision: Int64)?
    var schedule = Schedule.idle
    var pause = Pause.none
    var isOver = false
  }

  private enum Schedule {
    case idle
    /// A run is queued or under way.
    case scheduled
    /// As `scheduled`, and changes came since it began.
    case scheduledAgain
  }

  private enum Pause {
    case none
    /// The run has ended in the middle, and goes on with `resume`.
    case paused
    /// `resume` came before the pause.
    case resumed
  }

  private static let batch = 64

  init(callbacks: WorkerPool, deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery) {
    self.callbacks = callbacks
    self.deliver = deliver
  }

  /// Subscribes. The first changes may be delivered before this returns.
  func start(_ session: Session, _ identifiers: [String], initial wantsInitial: Bool) throws {
    let (watch, snapshot, revision) = try session.watch(identifiers) { [weak self] in
      self?.schedule()
    }
    let isOver = lock.withLock {
      state.watch = watch
      if wantsInitial { state.initial = (snapshot, revision) }
      return state.isOver
    }
    if isOver { watch.cancel() }
    schedule()
  }

  func cancel() {
    let watch = lock.withLock {
      state.isOver = true
      return state.watch
    }
    watch?.cancel()
  }

  private func schedule() {
    let isNew = lock.withLock { () -> Bool in
      if state.isOver { return false }
      switch state.schedule {
      case .idle:
        state.schedule = .scheduled
        return true
      case .scheduled, .scheduledAgain:
        state.schedule = .scheduledAgain
        return false
      }
    }
    if isNew { submit() }
  }

  private func submit() {
    // The pool refuses only while it stops, with the whole host.
    _ = callbacks.submit { self.run() }
  }

  private func run() {
    typealias Start = (watch: Watch?, initial: (variables: [Variable], revision: Int64)?)
    let (watch, initial) = lock.withLock { () -> Start in
      if state.isOver { return (nil, nil) }
      // What comes from here on may be too late for this run.
      state.schedule = .scheduled
      defer { state.initial = nil }
      return (state.watch, state.initial)
    }
    // A change came before `start` had the watch: `start` asks for another run.
    guard let watch else { return endRun() }
    if let initial {
      var changes = initial.variables.map {
        VariableChange(
          .initial, revision: initial.revision, time: $0.updatedAt, variable: VariableSnapshot($0))
      }
      changes.append(VariableChange(.synced, revision: initial.revision))
      switch deliver(changes) {
      case .goOn: break
      case .pause: if pause() { return }
      case .end: return cancel()
      }
    }
    drain(watch)
  }

  private func drain(_ watch: Watch) {
    var taken: [Change] = []
    while !lock.withLock({ state.isOver }) {
      taken.removeAll(keepingCapacity: true)
      let progress = watch.take(&taken, limit: Self.batch)
      var changes = taken.map { VariableChange($0) }
      var isOver = false
      switch progress {
      case .more, .upToDate: break
      case .ended(let cause, let revision):
        changes.append(VariableChange(.ended, revision: revision, cause: cause.rawValue))
        isOver = true
      case .fellBehind(let oldest):
        changes.append(VariableChange(.ended, revision: oldest, cause: "behind"))
        isOver = true
      }
      var isPaused = false
      if !changes.isEmpty {
        switch deliver(changes) {
        case .goOn: break
        case .pause: isPaused = !isOver && pause()
        case .end: isOver = true
        }
      }
      if isOver { return cancel() }
      // Another run goes on here, with whatever is left.
      if isPaused { return }
      if case .upToDate = progress { return endRun() }
    }
  }

  /// - Returns: false when there is no need to, any more.
  private func pause() -> Bool {
    lock.withLock {
      let mustPause = state.pause == .none
      state.pause = mustPause ? .paused : .none
      return mustPause
    }
  }

  func resume() {
    let goesOn = lock.withLock {
      let isPaused = state.pause == .paused
      state.pause = isPaused ? .none : .resumed
      return isPaused && !state.isOver
    }
    // The run has never ended, so nobody else has begun one.
    if goesOn { submit() }
  }

  /// Ends a run; another follows when changes came meanwhile.
  private func endRun() {
    let again = lock.withLock { () -> Bool in
      let again = state.schedule == .scheduledAgain
      state.schedule = again ? .scheduled : .idle
      return again
    }
    if again { submit() }
  }
}

extension VariableChange {
  fileprivate init(_ change: Change) {
    self.init(
      Kind(change.kind), revision: change.revision, time: change.timestamp,
      variable: VariableSnapshot(change.variable),
      previous: change.previous.map { VariableSnapshot($0) },
      cause: change.kind == .dependencyChanged ? change.causedBy : change.cause)
  }
}

extension VariableChange.Kind {
  fileprivate init(_ kind: Change.Kind) {
    self =
      switch kind {
      case .registered, .valueChanged, .constraintsChanged: .value
      case .deleted: .deleted
      case .dependencyChanged: .dependency
      case .optimizationChanged: .optimization
      }
  }
}
