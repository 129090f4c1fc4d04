internal import CNghttp2
internal import Logging
internal import NIOCore

/// Responses, on the event loop: from the handler into the send buffer, from there into DATA frames.
extension ServerCall {
  // MARK: What the handler says

  /// Sends the response headers now, without waiting for the first message.
  ///
  /// Metadata that is not a service's to send, such as keys that begin with `grpc-`, ends the call
  /// with INTERNAL, here as in `finish` and in an error.
  public func start(metadata: Metadata = Metadata()) {
    guard responses.state == .idle else { return }
    if !metadata.isEmpty {
      do throws(RPCError) { try metadata.checkSendable() } catch { return abort(error) }
    }
    if compressionThreshold != nil {
      if !acceptsGzip { compressionThreshold = nil }
      sendBuffer.compressionThreshold = compressionThreshold
    }
    if responses.start() { connection.submitResponse(self, metadata: metadata) }
  }

  func enqueue(_ message: [UInt8], compressed: Bool? = nil) {
    enqueue(message.count) { $0.append(message, compressed: compressed) }
  }

  @inline(__always)
  private func enqueue(_ count: Int, _ append: (inout SendBuffer) -> Void) {
    precondition(
      !responses.isFilling,
      "\(path): a MessageSource appends to the buffer it is given; it does not send")
    let before = sendBuffer.byteCount
    append(&sendBuffer)
    connection.queuedResponseBytes += sendBuffer.byteCount - before
    if isRunning { connection.handlers.answered(count) }
    compressResponses()
  }

  /// Takes answers from `source` from now on.
  public func stream(from source: any MessageSource) {
    self.source = source
    if isRunning { connection.handlerEnded(self) }
    start()
    resume()
  }

  /// Answers a unary call with its only message.
  func answer(_ message: [UInt8]) {
    answer(message.count) { $0.append(message) }
  }

  /// The same with a message in parts.
  func answer(_ message: MessageParts) {
    answer(message.count) { $0.append(message) }
  }

  @inline(__always)
  private func answer(_ count: Int, _ append: (inout SendBuffer) -> Void) {
    start()
    guard !isFinished else { return }
    enqueue(count, append)
    responses.finish(trailers: nil)
    record?.status = .ok
    release()
  }

  func finishNow(_ trailers: Metadata) {
    guard !isFinished else { return }
    var fields: HeaderFields?
    if !trailers.isEmpty {
      do throws(RPCError) { try trailers.checkSendable() } catch { return abort(error) }
      var list = HeaderFields()
      list.add("grpc-status", "0")
      list.add(trailers)
      fields = list
    }
    start()
    responses.finish(trailers: fields)
    record?.status = .ok
    resume()
    release()
  }

  func failNow(_ error: RPCError) {
    let form = responses.errorForm
    guard form != .none else { return }
    var error = error
    do throws(RPCError) { try error.metadata.checkSendable() } catch let mistake { error = mistake }
    if error.details.isEmpty, let details = connection.errorDetails {
      error.details = details(error)
    }
    let (fitting, omitted) = error.trailers(within: connection.clientHeaderListSize)
    var fields = fitting
    if !omitted.isEmpty {
      connection.logger.debug(
        "the client has no room for all of a status",
        metadata: ["path": "\(path)", "omitted": "\(omitted.joined(separator: ", "))"])
    }
    if namesEncoding && error.code == .unimplemented {
      fields.add("grpc-accept-encoding", MessageEncoding.accepted)
    }
    record?.status = error.code
    if form == .headersOnly {
      responses.endWithHeaders()
      connection.submitHeadersOnly(self, http: 200, fields: fields)
    } else {
      responses.finish(trailers: fields)
      resume()
    }
    release()
  }

  /// Answers with an HTTP status and no gRPC status, for requests that are not gRPC at all.
  func reject(http status: Int, _ message: String) {
    responses.endWithHeaders()
    // What a gRPC client makes of these statuses.
    record?.status = .unknown
    var fields = HeaderFields()
    fields.add("grpc-message", PercentEncoding.encode(message))
    connection.submitHeadersOnly(self, http: status, fields: fields)
    release()
  }

  func resume() {
    if responses.resume() { connection.resumeData(self) }
  }

  // MARK: Compressing

  /// Compresses what there is to compress, or has it compressed.
  private func compressResponses() {
    while let message = sendBuffer.toCompress {
      guard connection.mayCompress(message.count) else { return connection.queueForGzip(self) }
      finishCompressing(Gzip.compress(message))
    }
  }

  /// What was to be compressed elsewhere is.
  func compressed(_ packed: [UInt8]) {
    // The stream may be gone, and its answers with it.
    guard sendBuffer.toCompress != nil else { return }
    finishCompressing(packed)
    compressResponses()
    resume()
  }

  private func finishCompressing(_ packed: [UInt8]) {
    let before = sendBuffer.byteCount
    sendBuffer.finishCompressing(packed)
    let saved = before - sendBuffer.byteCount
    connection.queuedResponseBytes -= saved
    // `send` has counted the message as it was.
    if usesSend && saved != 0 { sendQuota.shrink(by: saved) }
  }

  /// What this call has for the threads that inflate and compress.
  var gzipWork: ServerConnection.GzipWork? {
    if let request = requests.compressedRequest {
      return .inflate(request, limit: requests.messageLimit)
    }
    return sendBuffer.toCompress.map { .compress($0) }
  }

  // MARK: What the connection asks and tells

  /// What the next DATA frame contains, at most `limit` bytes.
  func nextData(limit: Int) -> ResponseStateMachine.NextData {
    if let source, responses.wantsMessages(buffered: sendBuffer.byteCount, limit: limit) {
      let before = sendBuffer.byteCount
      responses.beginFilling()
      source.fill(&sendBuffer, target: limit)
      responses.endFilling()
      connection.queuedResponseBytes += sendBuffer.byteCount - before
      compressResponses()
    }
    return responses.nextData(
      ready: sendBuffer.readyCount, buffered: sendBuffer.byteCount, limit: limit)
  }

  func writeData(_ count: Int, into output: inout ByteBuffer) {
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      sendBuffer.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
      return count
    }
  }

  /// As many bytes were written.
  func wroteData(_ count: Int) {
    connection.queuedResponseBytes -= count
    framesSent &+= 1
    // The connection goes on with it when this frame is through.
    if requests.wait == .forOwnResponses, sendBuffer.byteCount < SendQuota.limit / 2,
      requests.ownResponsesSent()
    {
      connection.waitingCalls.append(self)
    }
    if usesSend && sendQuota.remove(count) { handler?.writable() }
  }

  // MARK: The end

  /// Ends the call because its stream or connection is gone.
  func cancel(_ reason: RPCError) {
    let handler = self.handler
    let wasFinished = isFinished
    if let record, responses.state != .ended { record.status = .cancelled }
    if !wasFinished && handler != nil { becomeCancelled() }
    responses.streamClosed()
    release()
    connection.queuedResponseBytes -= sendBuffer.byteCount
    sendBuffer.removeAll()
    if !wasFinished { handler?.cancelled(reason) }
  }

  /// Ends the call because its time ran out or its request was wrong: the client is told.
  func abort(_ error: RPCError) {
    guard !isFinished else { return }
    let handler = self.handler
    if handler != nil { becomeCancelled() }
    failNow(error)
    handler?.cancelled(error)
  }

  /// Counts the call as open until its handler has let go of it.
  private func becomeCancelled() {
    life.cancel()
    connection.cancelledCallCount.add(1, ordering: .relaxed)
  }

  /// Lets go of what produced answers, and of requests; answers that wait are still sent.
  private func release() {
    life.finish()
    handler = nil
    source = nil
    if isRunning { connection.handlerEnded(self) }
    requests.discard()
  }
}
