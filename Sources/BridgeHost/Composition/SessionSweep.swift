internal import BridgeSessions
internal import Logging
internal import NIOCore
internal import Synchronization
internal import Threads

/// Ends idle sessions, on a timer.
///
/// Only the timer is an event loop's. The sessions end on a thread: when many do at once, the loop's
/// clients would wait for all of them.
final class SessionSweep: HostComponent, Sendable {
  let name = "session sweep"
  private let sessions: SessionStore
  private let group: any EventLoopGroup
  private let logger: Logger
  private let task = Locked<RepeatedTask?>(nil)
  private let isSweeping = Atomic<Bool>(false)

  /// A session ends at most this long after its time is over.
  private static let interval = TimeAmount.seconds(5)

  init(_ sessions: SessionStore, on group: any EventLoopGroup, logger: Logger) {
    self.sessions = sessions
    self.group = group
    self.logger = logger
  }

  func start() {
    let repeated = group.next().scheduleRepeatedTask(
      initialDelay: Self.interval, delay: Self.interval
    ) { _ in self.begin() }
    task.withLock { $0 = repeated }
  }

  func drain() { task.withLock { $0?.cancel() } }

  private func begin() {
    guard sessions.sessionCount > 0, !isSweeping.exchange(true, ordering: .acquiring) else {
      return
    }
    // Without a thread to be had, the next time.
    if !startThread(named: "session-sweep", { self.sweep() }) {
      isSweeping.store(false, ordering: .releasing)
    }
  }

  private func sweep() {
    let ended = sessions.removeExpired()
    if ended > 0 { logger.info("idle sessions ended", metadata: ["count": "\(ended)"]) }
    isSweeping.store(false, ordering: .releasing)
  }
}
