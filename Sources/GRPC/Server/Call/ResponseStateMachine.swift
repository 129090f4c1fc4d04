/// The response side of a call: headers, messages, trailers.
///
/// A pure state machine: it does no I/O, and says what its owner has to do. After the end of a call,
/// what its handler still says has no effect, because it cannot know better. Moves that only a mistake
/// of this module leads to fail a precondition.
///
/// Used on the event loop of the call only. What every call does is inlined: it is a few instructions.
struct ResponseStateMachine {
  enum State: Equatable {
    /// Nothing has been answered.
    case idle
    /// The headers are submitted, and messages may follow.
    case responding
    /// The handler has ended the call. What waits is still sent, then the trailers.
    case finishing
    /// The last frame is submitted, or the stream is gone.
    case ended
  }

  /// How an error is told to the client.
  enum ErrorForm: Equatable {
    /// It is not: the call is over already.
    case none
    /// In headers alone, which end the stream (gRPC's Trailers-Only).
    case headersOnly
    /// In trailers, after the messages that wait.
    case trailers
  }

  /// What the next DATA frame contains.
  enum NextData: Equatable {
    /// There is none before `resume`.
    case deferred
    /// So many bytes; after the last, the trailers.
    case bytes(Int, isLast: Bool)
  }

  private(set) var state = State.idle
  /// nghttp2 asked for data when there was none, and waits to be told of more.
  private(set) var isDeferred = false
  /// A `MessageSource` has the send buffer in its hands.
  private(set) var isFilling = false
  /// What follows the last message; nil stands for a plain OK.
  private var trailers: HeaderFields?

  /// Whether the handler has ended the call, though frames may still wait to be sent.
  @inline(__always)
  var isFinished: Bool { state == .finishing || state == .ended }

  // MARK: What the handler says

  /// - Returns: Whether the response headers are to be submitted now.
  @inline(__always)
  mutating func start() -> Bool {
    guard state == .idle else { return false }
    state = .responding
    return true
  }

  /// Ends a call with trailers, after `start`; nil stands for a plain OK.
  @inline(__always)
  mutating func finish(trailers: HeaderFields?) {
    precondition(state == .responding, "a call is finished once, after its headers")
    state = .finishing
    if trailers != nil { self.trailers = trailers }
  }

  /// How to tell an error, if it is told now.
  var errorForm: ErrorForm {
    switch state {
    case .idle: .headersOnly
    case .responding: .trailers
    case .finishing, .ended: .none
    }
  }

  /// Ends a call that has not been answered, with headers alone.
  mutating func endWithHeaders() {
    precondition(state == .idle, "headers alone end a call that has sent none")
    state = .ended
  }

  /// A message was added, or the end is set.
  ///
  /// - Returns: Whether nghttp2 is to be told that there is data.
  @inline(__always)
  mutating func resume() -> Bool {
    defer { isDeferred = false }
    return isDeferred
  }

  // MARK: What nghttp2 asks

  /// Whether a `MessageSource` is asked for more before the next DATA frame.
  ///
  /// - Parameters:
  ///   - buffered: Bytes in the send buffer.
  ///   - limit: The most that fit into the frame.
  @inline(__always)
  func wantsMessages(buffered: Int, limit: Int) -> Bool {
    state == .responding && buffered < limit
  }

  mutating func beginFilling() {
    precondition(!isFilling, "a source is asked again while it answers")
    isFilling = true
  }

  mutating func endFilling() { isFilling = false }

  /// What the next DATA frame contains.
  ///
  /// - Parameters:
  ///   - ready: Bytes in the send buffer that can be sent now.
  ///   - buffered: All of its bytes.
  @inline(__always)
  mutating func nextData(ready: Int, buffered: Int, limit: Int) -> NextData {
    precondition(
      state == .responding || state == .finishing,
      "DATA was asked for before the headers or after the end")
    let count = min(limit, ready)
    let isLast = state == .finishing && count == buffered
    if count == 0 && !isLast {
      isDeferred = true
      return .deferred
    }
    return .bytes(count, isLast: isLast)
  }

  /// The trailers, which go out after the last DATA frame; nil stands for a plain OK.
  @inline(__always)
  mutating func takeTrailers() -> HeaderFields? {
    precondition(state == .finishing, "trailers follow the end of a call, once")
    state = .ended
    return trailers.take()
  }

  /// The stream is gone, whatever was left to send.
  @inline(__always)
  mutating func streamClosed() {
    state = .ended
    isDeferred = false
    if trailers != nil { trailers = nil }
  }
}
