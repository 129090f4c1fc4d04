/// Another server that has the sessions of this host as well, and may have tools for them.
///
/// Requests are bytes of the messages that clients send. Every `done` is called once, on any thread, in a
/// time that the peer bounds: what it does not answer to is not waited for. Thread-safe.
public protocol SessionPeer: Sendable {
  /// Whether calls of tools in a session may begin. It is asked before each.
  func isReady(_ session: String) -> Bool

  /// Has the peer get ready for calls in a session.
  func prepare(_ session: String, _ done: @escaping @Sendable () -> Void)

  /// A session has no tool of a name that was asked for: looks whether the peer has new ones.
  ///
  /// - Returns: false when it has looked a moment ago; `done` is not called then.
  func lookAgain(_ session: String, _ done: @escaping @Sendable () -> Void) -> Bool

  /// A client has initialized a session here.
  func initialize(
    _ session: String, request: [UInt8], _ done: @escaping @Sendable () -> Void)

  /// A client has ended a session here.
  func end(_ session: String, request: [UInt8], _ done: @escaping @Sendable () -> Void)

  /// A client says that a session is in use.
  func heartbeat(_ session: String)
}
