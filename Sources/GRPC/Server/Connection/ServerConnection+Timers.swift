internal import CNghttp2
internal import NIOCore

/// What ends connections that cost more than they are worth: floods, silence, age, and clients that
/// do not read.
extension ServerConnection {
  // MARK: Floods

  func controlFrameReceived(_ frame: UnsafePointer<nghttp2_frame>) {
    let header = frame.pointee.hd
    let isAcknowledgement = header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
    switch UInt32(header.type) {
    case NGHTTP2_SETTINGS.rawValue where !isEstablished:
      isEstablished = true
      // Until now only the time for this was kept.
      armTimer(in: .zero)
    case NGHTTP2_PING.rawValue where isAcknowledgement: pingAcknowledged(frame.pointee.ping)
    case NGHTTP2_PING.rawValue: pingReceived()
    default: break
    }
  }

  /// What has happened so far.
  private var traffic: FrameBudget.Traffic {
    FrameBudget.Traffic(
      dataFramesSent: dataFramesSent, dataBytesSent: dataBytesSent,
      callsSettled: callsBegun - callsResetAtOnce)
  }

  func spendFrames(_ frames: FrameScanner.Counts) {
    if frames.control == 0 { return frameBudget.begin(frames.newStreams) }
    if !frameBudget.spend(frames, after: traffic, now: { eventLoop.now }) {
      disconnect(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_control_frames")
    }
  }

  /// Ends the connection of a client that goes on with a stream which it has ended.
  func end(for offence: FrameScanner.Offence) {
    switch offence {
    case .frameAfterEnd: disconnect(NGHTTP2_STREAM_CLOSED, "frame_on_a_closed_stream")
    case .identifierTooLow: disconnect(NGHTTP2_PROTOCOL_ERROR, "stream_identifier_too_low")
    }
  }

  /// Takes the resets of the batch of input that was read off their budget.
  func spendResets() {
    if !frameBudget.spendResets(resetsOfBatch, after: traffic, now: { eventLoop.now }) {
      disconnect(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_control_frames")
    }
  }

  func spendProvokedReset() {
    if !frameBudget.spendProvokedReset(after: traffic, now: { eventLoop.now }) {
      disconnect(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_control_frames")
    }
  }

  private func pingReceived() {
    let isAllowed = pings.allows(
      now: eventLoop.now, answers: answersBegun &+ dataFramesSent, bytes: dataBytesSent,
      hasCalls: callCount > 0)
    if !isAllowed { disconnect(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings") }
  }

  // MARK: Time

  private static let keepalivePing: [UInt8] = Array("alive?\0\0".utf8)

  /// Does what is due, and comes back when something may be again.
  func checkTimers() {
    timer = nil
    guard let session else { return }
    let now = eventLoop.now
    var seen = ConnectionTimers.Observation()
    seen.isEstablished = isEstablished
    seen.callsBegun = callsBegun
    seen.callsOpen = callCount
    seen.isAuthenticated = isAuthenticated
    seen.hasReceived = hasReceived
    hasReceived = false
    seen.drain = drain
    let someoneWaits = !onlySourcesWait
    seen.socketIsBehind = bufferedBytes > 0 && someoneWaits
    seen.bytesSent = bytesSent
    seen.windowIsShut =
      queuedResponseBytes > 0 && someoneWaits
      && nghttp2_session_get_remote_window_size(session) <= 0
    seen.dataFramesSent = dataFramesSent
    let (actions, next) = timers.check(seen, now: now)
    endStalledCalls(now)
    for action in actions where self.session != nil { perform(action) }
    if self.session != nil { armTimer(in: next) }
  }

  /// Whether nobody waits for this connection but streams from a source, which hold next to nothing
  /// while their clients do not read.
  private var onlySourcesWait: Bool {
    var isAny = false
    var call = firstCall
    while let current = call {
      call = current.next
      if current.hasSource {
        isAny = true
      } else if current.sendBuffer.byteCount > 0 {
        return false
      }
    }
    return isAny
  }

  private func armTimer(in time: TimeAmount) {
    timer?.cancel()
    let connection = NIOLoopBound(self, eventLoop: eventLoop)
    timer = eventLoop.scheduleTask(in: time) { connection.value.checkTimers() }
  }

  private func perform(_ action: ConnectionTimers.Action) {
    logger.debug("connection timer", metadata: ["action": "\(action)"])
    switch action {
    case .ping:
      nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), Self.keepalivePing)
      setNeedsFlush()
    case .drain: beginDrain()
    case .drainTimedOut: drainNoticed()
    case .terminate: terminate("the connection has reached its greatest age")
    case .close: close()
    case .disconnect(let reason): disconnect(NGHTTP2_ENHANCE_YOUR_CALM, reason)
    }
  }

  /// Ends calls whose answers have not moved for too long: their streams' windows are shut.
  private func endStalledCalls(_ now: NIODeadline) {
    guard let timeout = limits.sendTimeout, queuedResponseBytes > 0, let session else { return }
    var call = firstCall
    while let current = call {
      call = current.next
      let isShut =
        current.sendBuffer.byteCount > 0 && !current.hasSource
        && nghttp2_session_get_stream_remote_window_size(session, current.id) <= 0
      guard let start = current.stall.observe(isShut, current.framesSent, now),
        start + timeout <= now
      else { continue }
      nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), current.id, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
      setNeedsFlush()
    }
  }
}
