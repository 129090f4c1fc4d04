internal import CNghttp2
internal import NIOCore

/// One attempt at a call: a stream of a connection. Belongs to the event loop.
final class ClientStream {
  private let connection: ClientConnection
  private let call: ClientCall
  /// Set when nghttp2 has given the stream its number.
  var id: Int32 = 0

  private var outbound = SendBuffer()
  private var requestsEnded = false
  private var sentEnd = false
  /// nghttp2 asked for data when there was none, and waits for a resume.
  private var isDeferred = false

  private var deframer: MessageDeframer
  private var messageCount = 0
  private var state = State.awaitingHeaders

  private enum State {
    case awaitingHeaders
    case receiving
    /// The call knows how the attempt ended; frames that still come mean nothing.
    case ended
  }

  init(connection: ClientConnection, call: ClientCall, messageLimit: Int) {
    self.connection = connection
    self.call = call
    self.deframer = MessageDeframer(limit: messageLimit)
    self.outbound.compressionThreshold = call.options.compressionThreshold
  }

  // MARK: Requests

  func append(_ request: SentMessage) {
    let before = outbound.byteCount
    outbound.append(request.bytes, compressed: request.isCompressed)
    outbound.compressAll()
    // The room has counted the request as it was.
    let saved = request.framedSize - (outbound.byteCount - before)
    if saved != 0 { call.room.remove(saved) }
    resume()
  }

  func endRequests() {
    requestsEnded = true
    resume()
  }

  private func resume() {
    guard isDeferred else { return }
    isDeferred = false
    connection.resumeData(self)
  }

  /// How many bytes the next DATA frame may take; nil defers until `resume`.
  func dataAvailable(limit: Int) -> (count: Int, isLast: Bool)? {
    let count = min(limit, outbound.byteCount)
    let isLast = requestsEnded && count == outbound.byteCount
    if count == 0 && !isLast {
      isDeferred = true
      return nil
    }
    if isLast { sentEnd = true }
    return (count, isLast)
  }

  func writeData(_ count: Int, into output: inout ByteBuffer) {
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      outbound.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
      return count
    }
    call.room.remove(count)
  }

  // MARK: Responses

  /// Headers or trailers are complete.
  func received(_ head: ResponseHead, isLast: Bool, limit: Int) {
    guard state != .ended, !head.isInformational else { return }
    guard head.listSize <= limit else {
      let error = RPCError(
        .resourceExhausted,
        "response headers of \(head.listSize) bytes are over the limit of \(limit)")
      return fail(CallEnd(error: error))
    }
    if isLast {
      receivedEnd(head.end)
    } else if state == .awaitingHeaders {
      receivedHeaders(head)
    }
  }

  private func receivedHeaders(_ head: ResponseHead) {
    guard head.isGRPC else { return fail(head.endOfOtherResponse) }
    state = .receiving
    call.responseBegan(head.metadata)
    guard let encoding = head.encoding else { return }
    switch MessageEncoding(encoding.utf8) {
    case .identity: break
    case .gzip: deframer.allowsCompressed = true
    case nil:
      fail(
        .failed(
          .internalError,
          "the server answered with grpc-encoding \"\(encoding)\", which was not offered"))
    }
  }

  /// Takes the bytes of a DATA frame.
  func received(_ bytes: UnsafeRawBufferPointer) {
    guard state == .receiving else { return }
    var messages: [ReceivedMessage] = []
    var error: RPCError?
    do throws(RPCError) {
      try deframe(bytes, into: &messages)
    } catch let thrown {
      error = thrown
    }
    messageCount += messages.count
    if call.takesOneResponse {
      _ = call.inbox.receive(messages, byteCount: 0)
      connection.consume(bytes.count, of: self)
      if messageCount > 1, error == nil { error = Self.wrongCount }
    } else {
      let freed = call.inbox.receive(messages, byteCount: bytes.count)
      if freed > 0 { connection.consume(freed, of: self) }
    }
    if let error { fail(CallEnd(error: error)) }
  }

  /// Keeps those that came before one that cannot be read.
  private func deframe(
    _ bytes: UnsafeRawBufferPointer, into messages: inout [ReceivedMessage]
  ) throws(RPCError) {
    var rest = bytes
    while let message = try deframer.next(&rest) { messages.append(message) }
  }

  /// The consumer took messages of so many bytes.
  func consume(_ byteCount: Int) {
    if state != .ended { connection.consume(byteCount, of: self) }
  }

  /// The server ended the stream with a DATA frame: there are no trailers.
  func receivedEndOfData() {
    receivedEnd(.failed(.internalError, "the server ended the call without trailers"))
  }

  private func receivedEnd(_ end: CallEnd) {
    guard state != .ended else { return }
    var end = end
    if end.error == nil {
      if !deframer.isBetweenMessages {
        end.error = RPCError(.internalError, "the response ends in the middle of a message")
      } else if call.takesOneResponse && messageCount != 1 {
        end.error = Self.wrongCount
      }
    }
    state = .ended
    // The answer is complete before the request is: the rest of it is not sent.
    if !sentEnd { connection.reset(self, NGHTTP2_NO_ERROR) }
    call.attemptEnded(end, .sent)
  }

  /// One response makes the call, and there were none or several.
  ///
  /// Source: https://grpc.io/docs/guides/status-codes/ (response cardinality violation)
  private static let wrongCount = RPCError(
    .unimplemented, "the server did not answer with exactly one message")

  // MARK: The end

  /// Ends the attempt because its response cannot be taken.
  private func fail(_ end: CallEnd) {
    state = .ended
    connection.reset(self, NGHTTP2_CANCEL)
    call.attemptEnded(end, .sent)
  }

  /// Ends the call because its caller cannot read a message.
  func giveUp(_ error: RPCError) { call.stop(error) }

  /// Ends the attempt because the call is over.
  func abandon() {
    guard state != .ended else { return }
    state = .ended
    connection.reset(self, NGHTTP2_CANCEL)
  }

  /// The stream or its connection is gone.
  func closed(_ end: CallEnd, _ progress: RetryState.Progress) {
    guard state != .ended else { return }
    state = .ended
    if end.error?.code == .cancelled, let deadline = call.deadline, deadline <= .now() {
      // Some servers reset a call whose time is over, and their reset may be faster than our timer.
      call.attemptEnded(
        .failed(.deadlineExceeded, "the server reset the call at its deadline"), progress)
    } else {
      call.attemptEnded(end, progress)
    }
  }
}
