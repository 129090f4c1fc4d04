internal import BridgePluginChannel
internal import BridgeSessions
internal import BridgeTools
internal import Threads

/// A watch of a tool in a child process: passes changes on, one batch at a time.
///
/// Thread-safe.
final class ChildWatch: Sendable {
  /// Weak: the process may be gone, and the session lives on.
  private weak let child: Child?
  private let number: UInt64
  private let state = Locked(State())

  private struct State {
    var subscription: (any VariableSubscription)?
    var isOver = false
  }

  init(_ number: UInt64, for child: Child) {
    self.number = number
    self.child = child
  }

  /// Subscribes. Changes may be passed on before this returns.
  func start(_ services: any CallServices, _ identifiers: [String], initial: Bool) throws {
    let subscription = try services.watch(identifiers, initial: initial) { [weak self] changes in
      self?.pass(changes) ?? .end
    }
    let isOver = state.withLock { state in
      state.subscription = subscription
      return state.isOver
    }
    if isOver { subscription.cancel() }
  }

  private func pass(_ changes: [VariableChange]) -> VariableDelivery {
    guard let child, !state.withLock(\.isOver) else { return .end }
    child.send(.changes(watch: number, changes))
    return .pause
  }

  /// The process has taken what was passed on.
  func delivered(wantsMore: Bool) {
    if !wantsMore { return cancel() }
    state.withLock(\.subscription)?.resume()
  }

  func cancel() {
    let subscription = state.withLock { state in
      state.isOver = true
      return state.subscription
    }
    subscription?.cancel()
  }
}
