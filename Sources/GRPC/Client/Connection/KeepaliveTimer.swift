internal import NIOCore

/// Tells when to ping a silent connection, and when it is to be taken for dead. Belongs to the
/// event loop.
final class KeepaliveTimer {
  private let times: ClientConfiguration.Keepalive
  private let eventLoop: any EventLoop
  private let ping: () -> Void
  private let expired: () -> Void
  private var lastHeard: NIODeadline
  /// When the ping went out that waits for an answer.
  private var pingedAt: NIODeadline?
  private var timer: Scheduled<Void>?

  init(
    _ times: ClientConfiguration.Keepalive, eventLoop: any EventLoop,
    ping: @escaping () -> Void, expired: @escaping () -> Void
  ) {
    self.times = times
    self.eventLoop = eventLoop
    self.ping = ping
    self.expired = expired
    lastHeard = eventLoop.now
  }

  /// Bytes arrived: whatever they say, the server lives.
  func heard() {
    lastHeard = eventLoop.now
    pingedAt = nil
  }

  func callsChanged(count: Int) {
    if count == 0 && !times.permitsWithoutCalls {
      stop()
      pingedAt = nil
    } else if timer == nil {
      lastHeard = eventLoop.now
      arm(at: lastHeard + times.time)
    }
  }

  func stop() {
    timer?.cancel()
    timer = nil
  }

  private func arm(at time: NIODeadline) {
    let loop = NIOLoopBound(self, eventLoop: eventLoop)
    timer = eventLoop.scheduleTask(deadline: time) { loop.value.fire() }
  }

  private func fire() {
    timer = nil
    let now = eventLoop.now
    if let pingedAt {
      // Nothing was heard since, or this would be nil.
      if pingedAt + times.timeout <= now { return expired() }
      arm(at: pingedAt + times.timeout)
    } else if lastHeard + times.time <= now {
      pingedAt = now
      ping()
      arm(at: now + times.timeout)
    } else {
      arm(at: lastHeard + times.time)
    }
  }
}

extension TimeAmount {
  /// For messages: seconds, to the millisecond.
  var seconds: Double { Double(nanoseconds / 1_000_000) / 1000 }
}
