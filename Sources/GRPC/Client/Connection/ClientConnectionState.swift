/// Where a client's connection stands, apart from sockets and HTTP/2: whether calls may be begun on
/// it, and what its owner has to know.
struct ClientConnectionState {
  private enum Phase {
    /// The server's SETTINGS are still to come.
    case opening
    case ready
    /// No calls are begun any more: the server said GOAWAY, or this side is done with it. It may
    /// never have been ready.
    case retired(wasReady: Bool)
    case closed(wasReady: Bool)
  }

  private var phase = Phase.opening
  private var streamCount = 0
  /// Whether a call was begun, and whether any was answered.
  private var hasBegunCalls = false
  private var hasAnsweredCalls = false

  /// Whether HTTP/2 has begun: the server's SETTINGS have come.
  var wasReady: Bool {
    switch phase {
    case .opening: false
    case .ready: true
    case .retired(let wasReady), .closed(let wasReady): wasReady
    }
  }

  /// Whether it takes no more calls.
  var isRetired: Bool {
    switch phase {
    case .opening, .ready: false
    case .retired, .closed: true
    }
  }

  /// Whether calls were begun on it, and the server has answered none of them.
  var hasFailedCalls: Bool { hasBegunCalls && !hasAnsweredCalls }

  /// Whether a stream may be opened now (RFC 9113 section 5.1.2).
  ///
  /// - Parameter limit: SETTINGS_MAX_CONCURRENT_STREAMS of the server.
  func hasFreeStream(limit: Int) -> Bool {
    if case .ready = phase { streamCount < limit } else { false }
  }

  enum SettingsMeaning {
    /// The connection can be used.
    case ready
    /// The limit of streams may have risen.
    case changed
    /// It is not used any more.
    case nothing
  }

  /// A SETTINGS frame came.
  mutating func receivedSettings() -> SettingsMeaning {
    switch phase {
    case .opening:
      phase = .ready
      return .ready
    case .ready: return .changed
    case .retired, .closed: return .nothing
    }
  }

  /// A stream was queued or opened.
  mutating func streamBegan() {
    guard case .ready = phase else {
      preconditionFailure("a call was begun on a \(phase) connection")
    }
    hasBegunCalls = true
    streamCount += 1
  }

  /// A response's headers are here.
  mutating func responseBegan() { hasAnsweredCalls = true }

  /// A stream is gone.
  ///
  /// - Returns: Whether it was the last one of a connection that is retired.
  mutating func streamEnded() -> Bool {
    precondition(streamCount > 0, "more streams ended than began")
    streamCount -= 1
    guard case .retired = phase else { return false }
    return streamCount == 0
  }

  /// Takes no more calls.
  ///
  /// - Returns: Whether it took them before.
  mutating func retire() -> Bool {
    switch phase {
    case .opening: phase = .retired(wasReady: false)
    case .ready: phase = .retired(wasReady: true)
    case .retired, .closed: return false
    }
    return true
  }

  /// The connection is gone, with all its streams.
  mutating func close() {
    phase = .closed(wasReady: wasReady)
    streamCount = 0
  }
}
