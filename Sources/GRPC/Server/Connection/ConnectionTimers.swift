internal import NIOCore

/// When something is to happen on a connection because time has passed.
///
/// Pure: `check` is told what the connection looks like and says what to do, and when to ask again.
/// Nothing is noted when calls come and go, so what depends on their absence is found out late, by
/// a quarter of its time at most.
struct ConnectionTimers {
  /// What a connection looks like now.
  struct Observation {
    /// The client's settings have come.
    var isEstablished = true
    /// Calls so far, and those that are open.
    var callsBegun = 0
    var callsOpen = 0
    /// Its client has shown who it is, or nobody asks.
    var isAuthenticated = true
    /// Something was received since the last check.
    var hasReceived = false
    var drain = ServerConnection.DrainState.serving
    /// Bytes wait for the socket, and how many have gone out to it.
    var socketIsBehind = false
    var bytesSent = 0
    /// Answers wait for the connection's window, and how many DATA frames have gone out.
    var windowIsShut = false
    var dataFramesSent = 0
  }

  enum Action: Equatable {
    case ping
    case drain
    /// The client has not answered the ping of a drain: take it as answered.
    case drainTimedOut
    /// End the calls that are left.
    case terminate
    /// Close without a word to a peer that does not listen.
    case close(String)
    /// End what does not move, with a word on why.
    case disconnect(String)
  }

  private let limits: ServerLimits
  private let openedAt: NIODeadline
  private let maxAge: TimeAmount?
  private var inputAt: NIODeadline
  private var pingedAt: NIODeadline?
  private var callAt: NIODeadline
  private var callsThen = 0
  private var drainedAt: NIODeadline?
  private var isTerminated = false
  private var socket = Stall()
  private var window = Stall()

  /// - Parameter jitter: From -1 to 1: where in its range the greatest age lies.
  init(_ limits: ServerLimits, now: NIODeadline, jitter: Double) {
    self.limits = limits
    self.openedAt = now
    self.inputAt = now
    self.callAt = now
    self.maxAge = limits.keepalive.maxAge.map {
      .nanoseconds(Int64(Double($0.nanoseconds) * (1 + jitter / 10)))
    }
  }

  /// - Returns: What to do now, and when to check again.
  mutating func check(_ seen: Observation, now: NIODeadline) -> (
    actions: [Action], next: TimeAmount
  ) {
    var actions: [Action] = []
    var next = TimeAmount.hours(1)
    /// Whether `time` has passed since `start`; if not, the next check is then or earlier.
    func hasPassed(_ time: TimeAmount, since start: NIODeadline) -> Bool {
      let left = start + time - now
      if left <= .zero { return true }
      next = min(next, left)
      return false
    }
    /// Conditions that are noticed only by checking are checked for four times as often.
    func checkOften(_ time: TimeAmount) { next = min(next, .nanoseconds(time.nanoseconds / 4 + 1)) }

    guard seen.isEstablished else {
      if hasPassed(limits.handshakeTimeout, since: openedAt) {
        return ([.close("no handshake")], next)
      }
      return ([], next)
    }
    checkInput(seen, now, &actions, hasPassed, checkOften)
    checkCalls(seen, now, &actions, hasPassed, checkOften)
    if let timeout = limits.sendTimeout {
      checkOften(timeout)
      if let start = socket.observe(seen.socketIsBehind, seen.bytesSent, now),
        hasPassed(timeout, since: start)
      {
        actions.append(.close("the client reads nothing"))
      }
      if let start = window.observe(seen.windowIsShut, seen.dataFramesSent, now),
        hasPassed(timeout, since: start)
      {
        actions.append(.disconnect("window_shut"))
      }
    }
    checkEnd(seen, now, &actions, hasPassed)
    return (actions, next)
  }

  private typealias HasPassed = (TimeAmount, NIODeadline) -> Bool

  private mutating func checkInput(
    _ seen: Observation, _ now: NIODeadline, _ actions: inout [Action], _ hasPassed: HasPassed,
    _ checkOften: (TimeAmount) -> Void
  ) {
    guard let time = limits.keepalive.time else { return }
    if seen.hasReceived {
      inputAt = now
      pingedAt = nil
    }
    if let pingedAt {
      if hasPassed(limits.keepalive.timeout, pingedAt) {
        actions.append(.close("keepalive ping not answered"))
      }
      return
    }
    checkOften(time)
    if hasPassed(time, inputAt) {
      actions.append(.ping)
      pingedAt = now
      _ = hasPassed(limits.keepalive.timeout, now)
    }
  }

  private mutating func checkCalls(
    _ seen: Observation, _ now: NIODeadline, _ actions: inout [Action], _ hasPassed: HasPassed,
    _ checkOften: (TimeAmount) -> Void
  ) {
    if seen.callsOpen > 0 || seen.callsBegun != callsThen {
      callAt = now
      callsThen = seen.callsBegun
    }
    guard seen.drain == .serving else { return }
    if seen.callsBegun == 0 || !seen.isAuthenticated, let timeout = limits.firstCallTimeout,
      hasPassed(timeout, openedAt)
    {
      actions.append(.drain)
    } else if let idle = limits.keepalive.maxIdle {
      checkOften(idle)
      if hasPassed(idle, callAt) { actions.append(.drain) }
    }
  }

  private mutating func checkEnd(
    _ seen: Observation, _ now: NIODeadline, _ actions: inout [Action], _ hasPassed: HasPassed
  ) {
    if seen.drain == .serving, !actions.contains(.drain), let maxAge, hasPassed(maxAge, openedAt) {
      actions.append(.drain)
    }
    if seen.drain != .serving || actions.contains(.drain) {
      let start = drainedAt ?? now
      drainedAt = start
      if seen.drain != .refusing, hasPassed(limits.keepalive.timeout, start) {
        actions.append(.drainTimedOut)
      }
      if !isTerminated, maxAge != nil, let grace = limits.keepalive.maxAgeGrace,
        hasPassed(grace, start)
      {
        isTerminated = true
        actions.append(.terminate)
      }
    }
  }
}
