public import BridgeSessions
public import Logging

/// What a running tool may ask of its host: the variables of the caller's session, the log, and other
/// tools.
///
/// A tool does not know who answers: the session in this process, the channel of a child process, or a
/// session of another host. All functions may be called from any thread for as long as the call lives,
/// and may block, except where the call must not (`ToolCall.mayBlock`). They throw `SessionError` for
/// variables and `ToolsError` for tools.
public protocol CallServices: Sendable {
  /// The id of the caller's session.
  var sessionID: String { get }

  /// Tells the session from every other that had its id or will have it.
  var sessionEpoch: String { get }

  /// The variable's present version.
  ///
  /// - Parameter identifier: A name or an id.
  func get(_ identifier: String) throws -> VariableSnapshot

  /// The variables whose names match, oldest first.
  ///
  /// - Parameter pattern: `*` stands for any run of characters; empty stands for all.
  func list(_ pattern: String) throws -> [VariableSnapshot]

  /// Writes one variable. When this returns, the change is acknowledged as the host promises it.
  func set(_ write: VariableWrite) throws -> VariableSnapshot

  /// Writes several variables at one revision: all of them, or none.
  ///
  /// - Returns: The new versions, in the order of the writes.
  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot]

  /// Creates a variable.
  func create(_ variable: NewVariable) throws -> VariableSnapshot

  /// Removes a variable.
  func remove(_ identifier: String) throws

  /// Checks a change as `commit` would, and changes nothing.
  ///
  /// - Returns: The version that it would make, at revision 0; for a check the present one, nil for a
  ///   removal.
  func preview(_ change: PendingChange) throws -> VariableSnapshot?

  /// Makes changes of different variables at one revision: all of them, or none. When this returns,
  /// they are acknowledged as the host promises it.
  func commit(_ changes: [PendingChange]) throws

  /// Subscribes to changes of variables.
  ///
  /// - Parameters:
  ///   - identifiers: Names (which need not exist yet), ids and patterns; none stand for everything.
  ///   - initial: Whether the present values come first, followed by `synced`.
  ///   - deliver: Takes changes, in order, one batch at a time, on a thread of the host and under no
  ///     lock. It may come before this function returns.
  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription

  /// Writes to the host's log.
  func log(_ level: Logger.Level, _ message: String, from call: ToolCall)

  /// Starts a call of another tool in the same session. It inherits the caller's deadline, metadata and
  /// cancellation.
  ///
  /// - Parameters:
  ///   - metadata: Beside the caller's; of entries with one key this counts.
  ///   - deadline: Nanoseconds of `MonotonicClock`, beside the caller's; nil for none of its own.
  ///   - waits: Whether the calling thread does nothing but wait for the outcome; the tool may run on
  ///     it then, and have ended when this returns.
  /// - Throws: `ToolsError`: no such tool, wrong arguments, too deep, too many calls, a tool that writes
  ///   from one that is read-only.
  func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall

  /// Calls `body` once, when the session ends; at once, when it has ended already. Any thread.
  func whenSessionEnds(_ body: @escaping @Sendable () -> Void)
}

extension CallServices {
  /// Starts a call of another tool with the caller's metadata and deadline.
  public func start(
    _ tool: String, arguments: [any ArgumentSource], isStreaming: Bool, from caller: ToolCall,
    waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    try start(
      tool, arguments: arguments, metadata: [:], deadline: nil, isStreaming: isStreaming,
      from: caller, waits: waits, observer: observer)
  }
}

/// What a delivery of changes is answered with.
public enum VariableDelivery: Sendable {
  /// The next changes may come.
  case goOn
  /// Nothing comes before `VariableSubscription.resume`.
  case pause
  /// Nothing comes any more.
  case end
}

/// A subscription that `CallServices.watch` made.
public protocol VariableSubscription: AnyObject, Sendable {
  /// Goes on after a pause; it may come before the answer that asks for the pause.
  func resume()

  /// Ends it. A delivery that runs on another thread may still go on; none begins after this.
  func cancel()
}
