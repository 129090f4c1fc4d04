/// A thread that works in turns, as an event loop does: what came together is seen to together.
public protocol TurnTaker: Sendable {
  /// Which one it is.
  var id: ObjectIdentifier { get }

  /// Runs `body` on this thread when the turn ends that it is in. On the thread itself.
  func atEndOfTurn(_ body: @escaping @Sendable () -> Void)
}
