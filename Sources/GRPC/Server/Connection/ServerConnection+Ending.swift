internal import CNghttp2
internal import NIOCore

/// How calls and the connection come to an end: deadlines, drain, termination.
extension ServerConnection {
  // MARK: Deadlines

  /// - Returns: nil for a timeout that is malformed.
  func deadline(after timeout: [UInt8]) -> NIODeadline? {
    timeout.withUnsafeBytes { Timeout.parse($0) }.map { eventLoop.now + $0 }
  }

  func setDeadline(_ timeout: [UInt8], of call: ServerCall) throws(RPCError) {
    guard let deadline = deadline(after: timeout) else {
      throw RPCError(
        .internalError,
        "grpc-timeout \"\(String(decoding: timeout, as: UTF8.self))\" is not 1 to 8 digits and one "
          + "of H, M, S, m, u, n")
    }
    call.deadline = deadline
    armDeadlineTimer(at: deadline)
  }

  /// One timer a connection stands at the earliest deadline; calls that end in time cost nothing.
  private func armDeadlineTimer(at deadline: NIODeadline) {
    if let deadlineTimer {
      if deadlineTimer.at <= deadline { return }
      deadlineTimer.task.cancel()
    }
    let connection = NIOLoopBound(self, eventLoop: eventLoop)
    deadlineTimer = (
      deadline, eventLoop.scheduleTask(deadline: deadline) { connection.value.endLateCalls() }
    )
  }

  private func endLateCalls() {
    deadlineTimer = nil
    let now = eventLoop.now
    var earliest: NIODeadline?
    var call = firstCall
    while let current = call {
      call = current.next
      guard let deadline = current.deadline, !current.isFinished else { continue }
      if deadline <= now {
        current.abort(ServerCall.deadlinePassed)
      } else {
        earliest = min(earliest ?? deadline, deadline)
      }
    }
    if let earliest { armDeadlineTimer(at: earliest) }
  }

  // MARK: The end

  private static let drainPing: [UInt8] = Array("drain\0\0\0".utf8)

  /// Accepts no new streams and closes once the open ones have ended. In two steps, so that
  /// streams already on their way are served (RFC 9113 section 6.8).
  func beginDrain() {
    guard drain == .serving, let session else { return }
    drain = .noticed
    nghttp2_submit_shutdown_notice(session)
    setNeedsFlush()
  }

  /// The notice went out: what answers this ping has seen it. nghttp2 would send a ping first.
  func pingForDrain() {
    guard let session else { return }
    nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), Self.drainPing)
  }

  func pingAcknowledged(_ ping: nghttp2_ping) {
    let isOfDrain = withUnsafeBytes(of: ping.opaque_data) { $0.elementsEqual(Self.drainPing) }
    if isOfDrain { drainNoticed() }
  }

  /// The client has seen that the connection ends: what it opens from now on is not served.
  func drainNoticed() {
    if drain == .noticed { refuseStreams() }
  }

  private func refuseStreams() {
    guard drain != .refusing, let session else { return }
    drain = .refusing
    nghttp2_submit_goaway(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
      NGHTTP2_NO_ERROR.rawValue, nil, 0)
    setNeedsFlush()
  }

  /// Ends every call with UNAVAILABLE, and closes once the client has read so, or has had its time.
  ///
  /// - Parameter reason: Why, for the clients.
  func terminate(_ reason: String = "the server is shutting down") {
    guard session != nil else { return }
    var call = firstCall
    while let current = call {
      call = current.next
      current.abort(RPCError(.unavailable, reason))
    }
    refuseStreams()
    flush()
    limitClosing()
  }
}
