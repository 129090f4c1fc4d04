internal import Threads

/// Observes a call that a tool has made: it is cancelled with the call of that tool.
final class NestedObserver: ToolCallObserver, Sendable {
  private let observer: any ToolCallObserver
  private let caller: ToolCall
  private let listener = Locked<UInt64?>(nil)

  init(_ observer: any ToolCallObserver, caller: ToolCall) {
    self.observer = observer
    self.caller = caller
  }

  /// Cancels a call, from now on, when the caller's is cancelled.
  func follow(_ call: ToolCall) {
    let number = caller.onCancel { [weak call] reason in call?.cancel(reason) }
    listener.withLock { $0 = number }
  }

  func unfollow() { caller.removeListener(listener.withLock { $0 }) }

  func emitted(_ chunk: ToolValue) -> Bool { observer.emitted(chunk) }

  func progressed(_ fraction: Double, _ message: String) {
    observer.progressed(fraction, message)
  }

  func finished(_ outcome: ToolOutcome) {
    unfollow()
    observer.finished(outcome)
  }
}
