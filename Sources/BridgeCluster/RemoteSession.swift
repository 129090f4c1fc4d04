internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import Threads

/// A session that another host holds.
///
/// Nothing is asked of the host before a tool asks for something. Thread-safe.
final class RemoteSession: ToolSession {
  let id: String
  let host: SessionHost
  private let state = Locked(State())

  private struct State {
    /// Known once the session has been found.
    var epoch: String?
    var hasEnded = false
    var endHandlers: [@Sendable () -> Void] = []
    /// Tells of the session's end.
    var endWatch: RemoteSubscription?
  }

  init(_ id: String, at host: SessionHost) {
    self.id = id
    self.host = host
  }

  func services(for tool: RunningTool, deadline: Int64?) -> any CallServices {
    RemoteServices(session: self, tool: tool, deadline: deadline)
  }

  func answersAtOnce(isReadOnly: Bool) -> Bool { false }

  // The session is used there: every question counts.
  func beginUse() {}
  func endUse() {}

  /// Finds the session, or makes it where that is allowed.
  ///
  /// - Returns: Its epoch.
  func open(deadline: Int64?) throws -> String {
    if let epoch = state.withLock(\.epoch) { return epoch }
    let epoch: String
    if host.createsSessions {
      let request = Snakepit_Bridge_InitializeSessionRequest.with { $0.sessionID = id }
      epoch = try host.call(BridgeMethods.initializeSession, request, deadline: deadline).epoch
    } else {
      let request = Snakepit_Bridge_GetSessionRequest.with { $0.sessionID = id }
      epoch = try host.call(BridgeMethods.getSession, request, deadline: deadline).epoch
    }
    state.withLock { $0.epoch = epoch }
    return epoch
  }

  /// The session has ended: whoever asks for its id next gets another.
  func end() {
    host.forget(self)
    let handlers = state.withLock { state in
      state.hasEnded = true
      defer { state.endHandlers = [] }
      return state.endHandlers
    }
    for handler in handlers { handler() }
  }

  /// Calls `body` once, when the session ends; at once when it has.
  ///
  /// - Parameter tool: Whose threads hear of it.
  func whenEnded(_ tool: RunningTool, _ body: @escaping @Sendable () -> Void) {
    let (hasEnded, isFirst) = state.withLock { state in
      if !state.hasEnded { state.endHandlers.append(body) }
      let isFirst = state.endWatch == nil && !state.hasEnded
      if isFirst { state.endWatch = makeEndWatch(tool) }
      return (state.hasEnded, isFirst)
    }
    if hasEnded { body() }
    if isFirst { state.withLock(\.endWatch)?.begin() }
  }

  /// A watch of a name that no variable has: it tells of the session's end and of nothing else.
  private func makeEndWatch(_ tool: RunningTool) -> RemoteSubscription {
    RemoteSubscription(
      self, ["bridge-host:end-of-session"], initial: false, threads: tool.threads
    ) { [weak self] changes in
      if changes.contains(where: { $0.kind == .ended }) { self?.end() }
      return .goOn
    }
  }
}
