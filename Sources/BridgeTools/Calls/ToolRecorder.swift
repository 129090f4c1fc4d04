/// Takes down calls of tools, with all that they ask of their host.
///
/// It stands between the session and what limits the tool (`DeclaredServices`, `TransactionServices`), so that
/// the same is taken down whatever runs the tool. A host without one does nothing for it. Thread-safe.
public protocol ToolRecorder: Sendable {
  /// A call begins. It must be quick, and must not block.
  ///
  /// - Parameter session: Its id.
  /// - Returns: nil where this call is not taken down.
  func began(
    _ tool: ToolDescription, _ request: ToolCall.Request, session: String,
    observer: any ToolCallObserver
  ) -> (any CallTape)?
}

/// What one call is taken down on.
public protocol CallTape: Sendable {
  /// Takes the place of the call's own observer, and hands everything on to it.
  var observer: any ToolCallObserver { get }

  /// The call is about to be run.
  func begins(_ call: ToolCall)

  /// Takes the place of what the session offers the tool, and hands everything on to it.
  func services(over services: any CallServices) -> any CallServices
}
