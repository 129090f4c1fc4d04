internal import Threads

/// A call's turn in the queue of a tool whose concurrency is limited.
///
/// Once it has begun, it ends when the tool's function has returned and the call has ended, whichever comes
/// last. Thread-safe.
final class CallTurn: Sendable {
  private struct State {
    var hasBegun = false
    /// When the tool's function began, of `MonotonicClock`; nil where the call had ended before.
    var began: Int64?
    var isAbandoned = false
    var functionHasReturned = false
    var callHasEnded = false
  }

  let queue: CallQueue
  private let state = Locked(State())

  init(_ queue: CallQueue) { self.queue = queue }

  /// The turn has come.
  ///
  /// - Returns: false when nobody waits for it any more; it has passed on then.
  func begin() -> Bool {
    let isWanted = state.withLock { state in
      if state.isAbandoned { return false }
      state.hasBegun = true
      if !state.callHasEnded { state.began = MonotonicClock.now }
      return true
    }
    if !isWanted { queue.leave() }
    return isWanted
  }

  /// Gives up waiting.
  ///
  /// - Returns: false when the turn has begun meanwhile.
  func abandon() -> Bool {
    state.withLock { state in
      if state.hasBegun { return false }
      state.isAbandoned = true
      return true
    }
  }

  /// Whether anybody still waits for it to come.
  var isWanted: Bool { state.withLock { !$0.isAbandoned && !$0.callHasEnded } }

  var hasBegun: Bool { state.withLock(\.hasBegun) }

  /// The tool's function has returned, or never ran.
  func functionReturned() { note { $0.functionHasReturned = true } }

  /// The call has ended.
  func callEnded() { note { $0.callHasEnded = true } }

  private func note(_ body: (inout State) -> Void) {
    let (isOver, began) = state.withLock { state in
      let wasOver = state.functionHasReturned && state.callHasEnded
      body(&state)
      let isOver =
        state.hasBegun && !wasOver && state.functionHasReturned && state.callHasEnded
      return (isOver, state.began)
    }
    if isOver { queue.leave(after: began.map { MonotonicClock.now - $0 }) }
  }
}
