/// Who hears of a call. All functions come on the thread of the tool and must be quick.
public protocol ToolCallObserver: AnyObject, Sendable {
  /// A chunk was emitted.
  ///
  /// - Returns: Whether there is room for more; without, the tool waits for
  ///   `ToolCall.roomIsAvailable`.
  func emitted(_ chunk: ToolValue) -> Bool

  /// The tool says how far it is.
  ///
  /// - Parameter fraction: From 0 to 1.
  func progressed(_ fraction: Double, _ message: String)

  /// The call is over; nothing follows. It comes exactly once.
  func finished(_ outcome: ToolOutcome)
}
