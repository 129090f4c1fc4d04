/// Hears of every call of a tool, those that tools make included: what telemetry is made from.
///
/// A host without one does nothing for it. Thread-safe.
public protocol ToolObserver: Sendable {
  /// Whether anybody listens. It is asked before each call.
  var isListening: Bool { get }

  /// A call begins.
  ///
  /// - Parameter request: Entries may be added to its metadata, which calls within the call inherit.
  /// - Returns: What takes the place of the call's own observer, and hands everything on to it.
  func began(
    _ tool: ToolDescription, _ request: inout ToolCall.Request, session: String,
    observer: any ToolCallObserver
  ) -> any ToolCallObserver
}
