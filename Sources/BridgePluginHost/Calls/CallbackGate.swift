internal import Threads

/// The way to a callback of a plugin: lets one run at a time in until it is closed, and lets whoever
/// closes it wait for the one inside.
///
/// What it promises is what the header says of `bridge_variables_api.unwatch`. Thread-safe.
// @unchecked: the state is guarded by the condition's lock.
final class CallbackGate: @unchecked Sendable {
  private let condition = Condition()
  private var isClosed = false
  private var inside: CallbackRun?

  var isOpen: Bool { condition.withLock { !isClosed } }

  var isOccupied: Bool { condition.withLock { inside != nil } }

  /// Whether the calling thread is inside.
  var isInside: Bool {
    condition.withLock { inside != nil && inside === CallbackRun.current }
  }

  /// Begins a run on the calling thread; `leave` ends it.
  ///
  /// - Returns: false when the gate is closed.
  func enter() -> Bool {
    condition.withLock {
      if isClosed { return false }
      let run = CallbackRun()
      run.enter()
      inside = run
      return true
    }
  }

  /// Ends the run of the calling thread.
  func leave() {
    condition.withLock {
      inside?.leave()
      inside = nil
      condition.broadcast()
    }
  }

  /// Lets no further run begin; does not wait for one that is inside.
  func shut() { condition.withLock { isClosed = true } }

  /// Lets no further run begin, and waits for the one inside unless the caller is inside of it, or is
  /// inside of a run that that one waits for.
  func close() {
    condition.withLock {
      isClosed = true
      let current = CallbackRun.current
      var noted: CallbackRun?
      while let run = inside, run !== current {
        if let current, noted !== run {
          guard current.beginWaiting(for: run) else { break }
          noted = run
        }
        condition.wait()
      }
      if noted != nil { current?.endWaiting() }
    }
  }
}
