import BridgeSessions
import Logging
import NIOCore

/// Ends idle sessions, on a timer.
final class SessionSweep {
  private let sessions: SessionStore
  private let logger: Logger
  private var task: RepeatedTask?

  /// A session ends at most this long after its time is over.
  private static let interval = TimeAmount.seconds(5)

  init(sessions: SessionStore, logger: Logger) {
    self.sessions = sessions
    self.logger = logger
  }

  func start(on group: any EventLoopGroup) {
    let (sessions, logger) = (sessions, logger)
    task = group.next().scheduleRepeatedTask(
      initialDelay: Self.interval, delay: Self.interval
    ) { _ in
      let ended = sessions.removeExpired()
      if ended > 0 { logger.info("idle sessions ended", metadata: ["count": "\(ended)"]) }
    }
  }

  func stop() { task?.cancel() }
}
