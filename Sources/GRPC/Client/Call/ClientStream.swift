internal import CNghttp2
internal import NIOCore

/// One attempt at a call: a stream of a connection. Belongs to the event loop.
final class ClientStream {
  private let connection: ClientConnection
  private let call: ClientCall
  /// Set when nghttp2 has given the stream its number.
  var id: Int32 = 0

  private var state: ClientStreamState
  private var outbound = SendBuffer()
  private var requestsEnded = false
  /// nghttp2 asked for data when there was none, and waits for a resume.
  private var isDeferred = false
  private var deframer: MessageDeframer

  init(connection: ClientConnection, call: ClientCall, messageLimit: Int) {
    self.connection = connection
    self.call = call
    self.state = ClientStreamState(takesOneResponse: call.takesOneResponse)
    self.deframer = MessageDeframer(limit: messageLimit)
    self.outbound.compressionThreshold = call.options.compressionThreshold
  }

  /// Whether any of it may have been sent.
  var wasOpened: Bool { connection.hasOpened(self) }

  // MARK: Requests

  func append(_ request: SentMessage) {
    let before = outbound.byteCount
    outbound.append(request.bytes, compressed: request.isCompressed)
    outbound.compressAll()
    // The quota has counted the request as it was.
    let saved = request.framedSize - (outbound.byteCount - before)
    if saved != 0 { call.quota.remove(saved) }
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
    if isLast { state.sentEnd() }
    return (count, isLast)
  }

  func writeData(_ count: Int, into output: inout ByteBuffer) {
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      outbound.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
      return count
    }
    call.quota.remove(count)
  }

  // MARK: Responses

  /// Headers or trailers are complete.
  func received(_ head: ResponseHead, isLast: Bool, limit: Int) {
    perform(
      state.received(
        head, isLast: isLast, isBetweenMessages: deframer.isBetweenMessages, limit: limit))
  }

  /// Takes the bytes of a DATA frame.
  func received(_ bytes: UnsafeRawBufferPointer) {
    guard state.isReceiving else { return }
    var messages: [ReceivedMessage] = []
    var error: RPCError?
    do throws(RPCError) {
      try deframe(bytes, into: &messages)
    } catch let thrown {
      error = thrown
    }
    let action = state.received(messages: messages.count, error: error)
    if call.takesOneResponse {
      _ = call.inbox.receive(messages, byteCount: 0)
      connection.consume(bytes.count, of: self)
    } else {
      let freed = call.inbox.receive(messages, byteCount: bytes.count)
      if freed > 0 { connection.consume(freed, of: self) }
    }
    perform(action)
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
    if !state.isOver { connection.consume(byteCount, of: self) }
  }

  /// The server ended the stream with a DATA frame: there are no trailers.
  func receivedEndOfData() { perform(state.receivedEndOfData()) }

  private func perform(_ action: ClientStreamState.Action) {
    switch action {
    case .nothing: break
    case .begin(let metadata, let isCompressed):
      deframer.allowsCompressed = isCompressed
      call.responseBegan(metadata)
    case .end(let end, let progress, let reset):
      if let reset { connection.reset(self, reset) }
      call.attemptEnded(end, progress)
    }
  }

  // MARK: The end

  /// Ends the call because its caller cannot read a message.
  func giveUp(_ error: RPCError) { call.stop(error) }

  /// Ends the attempt because the call is over.
  func abandon() {
    if state.abandon() { connection.reset(self, NGHTTP2_CANCEL) }
  }

  /// HTTP/2 does not send the request's headers.
  func headersNotSent(errorCode: CInt) { state.headersNotSent(errorCode: errorCode) }

  /// The stream is gone, or will never be.
  func closed(_ closing: ClientStreamState.Closing) {
    let isLate = call.deadline.map { $0 <= .now() } ?? false
    perform(state.closed(closing, isLate: isLate))
  }
}
