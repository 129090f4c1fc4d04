internal import NIOCore
internal import Threads

/// What other threads want done to calls of one event loop: any number of actions, one wake-up.
///
/// A thread that puts wakes off (`PutOffWakes`) does so with this one, too.
final class CallActionQueue: Sleeper {
  private let eventLoop: any EventLoop
  private let state = Locked(State())

  private struct State {
    var actions: [(call: ServerCall, action: ServerCall.Action)] = []
    /// The event loop is going to look.
    var isWoken = false

    /// - Returns: Whether the event loop has yet to be told.
    mutating func wake() -> Bool {
      if isWoken || actions.isEmpty { return false }
      isWoken = true
      return true
    }
  }

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// Does `action` on the event loop, after those posted before it. `[any thread]`
  func post(_ action: ServerCall.Action, to call: ServerCall) {
    let wakes = PutOffWakes.current
    let mustWake = state.withLock { state in
      state.actions.append((call, action))
      return wakes == nil ? state.wake() : !state.isWoken
    }
    guard mustWake else { return }
    guard let wakes else { return eventLoop.execute { self.runAll() } }
    if !wakes.add(self) { wake() }
  }

  func wake() {
    if state.withLock({ $0.wake() }) { eventLoop.execute { self.runAll() } }
  }

  private func runAll() {
    let batch = state.withLock { state in
      defer { state = State() }
      return state.actions
    }
    for (call, action) in batch { call.apply(action) }
  }
}
