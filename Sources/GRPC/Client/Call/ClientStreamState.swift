internal import CNghttp2

/// Where one attempt at a call stands, apart from sockets and buffers: it is told what happened, and
/// answers what is to be done.
///
/// What cannot happen is of two kinds. A server's mistake ends the call with INTERNAL. A mistake of
/// this program traps.
struct ClientStreamState {
  private enum Response {
    case awaitingHeaders
    case receiving(messages: Int)
    /// The call knows how the attempt ended; frames that still come mean nothing.
    case ended
  }

  private var response = Response.awaitingHeaders
  private var hasSentEnd = false
  /// Why HTTP/2 did not take the request's headers; nil where it did, or has not been asked yet.
  private var headersFailure: CInt?
  private let takesOneResponse: Bool

  init(takesOneResponse: Bool) { self.takesOneResponse = takesOneResponse }

  /// What a stream does about something that happened.
  enum Action {
    case nothing
    /// Tells the caller that the response has begun.
    case begin(Metadata, isCompressed: Bool)
    /// Tells the caller how the attempt ended, after resetting the stream if there is a code.
    case end(CallEnd, RetryState.Progress, reset: nghttp2_error_code?)
  }

  /// How a stream came to be closed.
  enum Closing {
    /// By an RST_STREAM of either side, by a GOAWAY, or because its headers were not sent.
    case reset(errorCode: UInt32)
    /// With its connection.
    ///
    /// - Parameter wasOpened: Whether any of it may have been sent.
    case lost(RPCError, wasOpened: Bool)
    /// A GOAWAY came before its headers were sent.
    case overtaken
  }

  /// Whether frames that come still mean something.
  var isOver: Bool { if case .ended = response { true } else { false } }

  /// Whether bytes of messages are taken now.
  var isReceiving: Bool { if case .receiving = response { true } else { false } }

  // MARK: The request

  /// The end of the request was handed to HTTP/2.
  mutating func sentEnd() {
    precondition(!hasSentEnd, "a request ends once")
    hasSentEnd = true
  }

  /// HTTP/2 does not send the request's headers. It closes the stream next.
  mutating func headersNotSent(errorCode: CInt) { headersFailure = errorCode }

  // MARK: The response

  /// Headers or trailers are complete.
  ///
  /// - Parameter isBetweenMessages: Whether every message that has begun is complete.
  mutating func received(
    _ head: ResponseHead, isLast: Bool, isBetweenMessages: Bool, limit: Int
  ) -> Action {
    guard !isOver, !head.isInformational else { return .nothing }
    guard head.listSize <= limit else {
      return fail(
        .resourceExhausted,
        "response headers of \(head.listSize) bytes are over the limit of \(limit)")
    }
    if isLast { return receivedEnd(head.end, isBetweenMessages) }
    guard case .awaitingHeaders = response else {
      return fail(.internalError, "the server sent headers in the middle of the response")
    }
    guard head.isGRPC else { return fail(head.endOfOtherResponse) }
    guard let encoding = head.encoding else { return begin(head, isCompressed: false) }
    switch MessageEncoding(encoding.utf8) {
    case .identity: return begin(head, isCompressed: false)
    case .gzip: return begin(head, isCompressed: true)
    case nil:
      var end = CallEnd.failed(
        .internalError,
        "the server answered with grpc-encoding \"\(encoding)\", which was not offered")
      end.error?.headers = head.metadata
      return fail(end)
    }
  }

  private mutating func begin(_ head: ResponseHead, isCompressed: Bool) -> Action {
    response = .receiving(messages: 0)
    return .begin(head.metadata, isCompressed: isCompressed)
  }

  /// Bytes have arrived that complete so many messages.
  ///
  /// - Parameter error: Why the next message cannot be read, if it cannot.
  mutating func received(messages count: Int, error: RPCError?) -> Action {
    guard case .receiving(let before) = response else {
      preconditionFailure("messages were read of a response that is not being received")
    }
    response = .receiving(messages: before + count)
    if let error { return fail(CallEnd(error: error)) }
    if takesOneResponse && before + count > 1 { return fail(CallEnd(error: Self.wrongCount)) }
    return .nothing
  }

  /// The server ended the stream with a DATA frame: there are no trailers.
  mutating func receivedEndOfData() -> Action {
    isOver
      ? .nothing
      : receivedEnd(.failed(.internalError, "the server ended the call without trailers"), true)
  }

  private mutating func receivedEnd(_ end: CallEnd, _ isBetweenMessages: Bool) -> Action {
    var count = 0
    if case .receiving(let messages) = response { count = messages }
    var end = end
    if end.error == nil {
      if !isBetweenMessages {
        end.error = RPCError(.internalError, "the response ends in the middle of a message")
      } else if takesOneResponse && count != 1 {
        end.error = Self.wrongCount
      }
    }
    response = .ended
    // The answer is complete before the request is: the rest of it is not sent.
    return .end(end, .sent, reset: hasSentEnd ? nil : NGHTTP2_NO_ERROR)
  }

  /// One response makes the call, and there were none or several.
  ///
  /// Source: https://grpc.io/docs/guides/status-codes/ (response cardinality violation)
  private static let wrongCount = RPCError(
    .unimplemented, "the server did not answer with exactly one message")

  // MARK: The end

  private mutating func fail(_ code: StatusCode, _ message: String) -> Action {
    fail(.failed(code, message))
  }

  /// The response cannot be taken.
  private mutating func fail(_ end: CallEnd) -> Action {
    response = .ended
    return .end(end, .sent, reset: NGHTTP2_CANCEL)
  }

  /// The call is over: nothing more is wanted.
  ///
  /// - Returns: Whether to reset the stream.
  mutating func abandon() -> Bool {
    if isOver { return false }
    response = .ended
    return true
  }

  /// The stream is gone.
  ///
  /// - Parameter isLate: Whether the call's deadline has passed.
  mutating func closed(_ closing: Closing, isLate: Bool) -> Action {
    guard !isOver else { return .nothing }
    response = .ended
    switch closing {
    case .overtaken: return .end(Self.overtaken, .unsent, reset: NGHTTP2_CANCEL)
    case .lost(let error, let wasOpened):
      return .end(CallEnd(error: error), wasOpened ? .sent : .unsent, reset: nil)
    case .reset(let errorCode):
      let end = Self.end(resetWith: errorCode)
      if let headersFailure {
        return headersFailure == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED.rawValue
          ? .end(Self.overtaken, .unsent, reset: nil)
          : .end(Self.unsendable(headersFailure), .sent, reset: nil)
      }
      if errorCode == NGHTTP2_REFUSED_STREAM.rawValue { return .end(end, .refused, reset: nil) }
      guard isLate, end.error?.code == .cancelled else { return .end(end, .sent, reset: nil) }
      // Some servers reset a call whose time is over, and may be faster than our timer.
      return .end(
        .failed(.deadlineExceeded, "the server reset the call at its deadline"), .sent, reset: nil)
    }
  }

  private static let overtaken = CallEnd.failed(
    .unavailable, "the server retired the connection before the call was sent")

  private static func unsendable(_ code: CInt) -> CallEnd {
    .failed(
      .internalError, "the call's headers cannot be sent: \(HTTP2Connection.text(of: code))")
  }

  private static func end(resetWith errorCode: UInt32) -> CallEnd {
    let name = HTTP2ErrorName.name(errorCode)
    let isRefusal = errorCode == NGHTTP2_REFUSED_STREAM.rawValue
    return .failed(
      StatusCode(resetWith: errorCode),
      isRefusal
        ? "the server did not take the call (\(name))" : "the call's stream was reset (\(name))")
  }
}
