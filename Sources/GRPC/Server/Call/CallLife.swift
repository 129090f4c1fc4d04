internal import Synchronization

/// Whether a call is open, over, or over for its client alone.
///
/// Changed on the event loop of the call; read on any thread.
struct CallLife: ~Copyable {
  private let state = Atomic<UInt8>(0)

  private static let open: UInt8 = 0
  private static let finished: UInt8 = 1
  private static let cancelled: UInt8 = 2

  /// Whether the call is over, finished or cancelled. `[any thread]`
  var isOver: Bool { state.load(ordering: .acquiring) != Self.open }

  /// Whether it ended before its handler had finished it. The handler may go on: until it has let go
  /// of the call, the call counts against the limit of open ones. `[any thread]`
  var isCancelled: Bool { state.load(ordering: .acquiring) == Self.cancelled }

  /// The handler has ended the call, or there is none. After `cancel` it says nothing new.
  func finish() {
    if state.load(ordering: .relaxed) == Self.open {
      state.store(Self.finished, ordering: .releasing)
    }
  }

  /// The call ends before its handler has finished it.
  func cancel() {
    precondition(
      state.load(ordering: .relaxed) == Self.open, "a call is cancelled while it is open")
    state.store(Self.cancelled, ordering: .releasing)
  }
}
