public import BridgeSessions
public import Logging

/// A session that tools are called in: of this process, or of another host.
public protocol ToolSession: AnyObject, Sendable {
  /// What clients call the session.
  var id: String { get }

  /// What a tool that runs in the session may ask for.
  ///
  /// - Parameter deadline: Of the call, in nanoseconds of `MonotonicClock`; nil without one.
  func services(for tool: RunningTool, deadline: Int64?) -> any CallServices

  /// Whether a quick tool may run where nothing may wait: its services answer at once.
  ///
  /// - Parameter isReadOnly: Whether the tool writes nothing.
  func answersAtOnce(isReadOnly: Bool) -> Bool

  /// A call begins: the session does not expire under it.
  func beginUse()

  /// The counterpart of `beginUse`.
  func endUse()
}

/// Finds the sessions that tools are called in, where they are not of this process.
///
/// Thread-safe. Called on event loops: nothing here may block.
public protocol ToolSessionSource: Sendable {
  /// The session of an id, which need not be there: then what a tool asks of it fails.
  func toolSession(_ id: String) -> any ToolSession
}

/// A tool that runs, and its host: what services need of them, whatever session they are of.
public struct RunningTool: Sendable {
  // Two references and no more: see `SessionServices`.
  let registered: RegisteredTool
  let host: ToolHost

  /// The tool's name.
  public var name: String { registered.description.name }
  /// The threads that deliver to tools.
  public var threads: ToolThreads { host.threads }

  /// Writes to the host's log, for `CallServices.log`.
  public func log(
    _ level: Logger.Level, _ message: String, session: String, from call: ToolCall
  ) {
    var metadata: Logger.Metadata = ["tool": "\(name)", "session": "\(session)"]
    if let id = call.metadata["correlation_id"] { metadata["correlation_id"] = "\(id)" }
    host.logger.log(level: level, "\(message)", metadata: metadata)
  }

  /// Starts a call of another tool, for `CallServices.start`.
  public func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, in session: any ToolSession, from caller: ToolCall, waits: Bool,
    observer: any ToolCallObserver
  ) throws -> ToolCall {
    try host.start(
      tool, arguments: arguments, metadata: metadata, deadline: deadline,
      isStreaming: isStreaming, in: session, from: caller, waits: waits, observer: observer)
  }
}

/// A session of this process answers at once; a write that must be stored before it is acknowledged waits.
extension Session: ToolSession {
  /// Those of the session itself.
  public func services(for tool: RunningTool, deadline: Int64?) -> any CallServices {
    SessionServices(session: self, tool: tool)
  }

  /// What only reads waits for nothing.
  public func answersAtOnce(isReadOnly: Bool) -> Bool { isReadOnly || !acknowledgesStored }
}
