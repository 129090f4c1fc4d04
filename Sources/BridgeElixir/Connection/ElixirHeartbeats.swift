internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import Logging
internal import NIOCore
internal import SwiftProtobuf
internal import Threads

/// Tells Elixir's server of each session that is used here, again and again, and notices that nobody is there
/// any more.
///
/// Thread-safe.
public final class ElixirHeartbeats: Sendable {
  private let configuration: HeartbeatConfiguration
  private let sessions: ElixirSessions
  private let isLost: @Sendable () -> Void
  private let task = Locked<Task<Void, Never>?>(nil)

  private var connection: ElixirConnection { sessions.connection }

  /// Heartbeats that are under way at once, and sessions that have one in a round; more take turns.
  private static let atOnce = 16
  static let roundLimit = 100

  /// - Parameter isLost: Called once when too many are missed, of a worker that depends on them.
  public init(
    _ configuration: HeartbeatConfiguration, of sessions: ElixirSessions,
    isLost: @escaping @Sendable () -> Void
  ) {
    self.configuration = configuration
    self.sessions = sessions
    self.isLost = isLost
  }

  /// Begins to send.
  public func start() {
    guard configuration.isEnabled else { return }
    let task = Task { await run() }
    self.task.withLock { $0 = task }
  }

  /// Sends no more.
  public func stop() { task.withLock { $0 }?.cancel() }

  private func run() async {
    var missed = 0
    var turn = 0
    var pause = configuration.initialDelay
    while true {
      try? await Task.sleep(nanoseconds: UInt64(pause.nanoseconds))
      if Task.isCancelled { return }
      pause = configuration.interval
      let ids = Self.round(&turn, of: sessions.ids)
      if ids.isEmpty { continue }
      if await sendToAll(ids) {
        missed = 0
        continue
      }
      if Task.isCancelled { return }
      missed += 1
      connection.logger.warning(
        "Elixir's server has not answered heartbeats",
        metadata: ["in_a_row": "\(missed)", "at_most": "\(configuration.maxMissed)"])
      if configuration.isDependent, missed >= configuration.maxMissed { return isLost() }
    }
  }

  /// The sessions whose turn it is.
  ///
  /// - Parameter turn: Counts rounds.
  static func round(_ turn: inout Int, of ids: [String]) -> [String] {
    guard ids.count > roundLimit else { return ids }
    let rounds = (ids.count + roundLimit - 1) / roundLimit
    let start = turn % rounds * roundLimit
    turn = (turn + 1) % rounds
    return Array(ids.sorted()[start..<min(start + roundLimit, ids.count)])
  }

  /// - Returns: Whether the server has answered any.
  private func sendToAll(_ ids: [String]) async -> Bool {
    var isAnswered = false
    await withTaskGroup(of: Bool.self) { group in
      var waiting = ids[...]
      for id in waiting.prefix(Self.atOnce) { group.addTask { await self.send(id) } }
      waiting = waiting.dropFirst(Self.atOnce)
      while let answered = await group.next() {
        if answered { isAnswered = true }
        if let id = waiting.popFirst() { group.addTask { await self.send(id) } }
      }
    }
    return isAnswered
  }

  /// - Returns: Whether the server has answered, whatever it was.
  private func send(_ id: String) async -> Bool {
    do throws(RPCError) {
      let request = Snakepit_Bridge_HeartbeatRequest.with {
        $0.sessionID = id
        $0.clientTime = .init(nanoseconds: Clock.wall)
      }
      let answer = try await connection.call(
        BridgeMethods.heartbeat, request, timeout: configuration.timeout)
      if !answer.sessionValid { sessions.isUnknown(id) }
      return true
    } catch {
      return ![.unavailable, .deadlineExceeded, .cancelled].contains(error.code)
    }
  }
}
