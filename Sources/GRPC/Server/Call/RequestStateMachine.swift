/// The request side of a call: the bytes of its DATA frames become messages for its handler.
///
/// A pure state machine: it does no I/O, and says what its owner has to do. What a peer does wrong is
/// thrown as the `RPCError` that ends the call. What this module does wrong is a failed precondition.
///
/// Used on the event loop of the call only. What every call does is inlined: it is a few instructions.
struct RequestStateMachine {
  /// What is done with the next bytes.
  enum Reading: Equatable {
    /// They are cut into messages for the handler.
    case open
    /// They wait behind a message that is being inflated.
    case inflating
    /// None follow: the handler has been told that the client sent its last request.
    case delivered
    /// They are dropped: the call is over.
    case discarded
  }

  /// Why the handler gets no more requests for now.
  enum Wait: Equatable {
    case none
    /// Too many responses of this call wait to be sent.
    case forOwnResponses
    /// The handler has not read the requests it has.
    case forHandler
    /// The call is in its connection's queue, and goes on when its turn comes.
    case queued
  }

  /// What to do with bytes that arrive.
  enum Arrival: Equatable {
    case read
    case hold
    case discard
  }

  private(set) var reading = Reading.open
  private(set) var wait = Wait.none
  /// END_STREAM was received.
  private(set) var hasEnded = false

  private var deframer: MessageDeframer
  /// The request of a method that takes one, until the end shows that it is the only one.
  private var onlyRequest: [UInt8]?
  /// The message that is being inflated.
  private(set) var compressedRequest: [UInt8]?
  /// Bytes that have arrived and are not looked at yet.
  private var heldInput: [UInt8] = []
  /// Bytes that the handler was given and has not read, while it wants no more.
  private var unreadBytes: Int?
  /// What the connection has counted of `heldBytes`.
  private var countedBytes = 0

  /// - Parameter messageLimit: The longest message, in bytes, compressed and not.
  init(messageLimit: Int) { deframer = MessageDeframer(limit: messageLimit) }

  /// The longest message, in bytes, compressed and not.
  var messageLimit: Int {
    get { deframer.limit }
    set { deframer.limit = newValue }
  }

  /// The request names an encoding, so that messages may be compressed.
  mutating func allowCompressed() { deframer.allowsCompressed = true }

  // MARK: Bytes arrive

  /// What to do with the bytes of a DATA frame.
  ///
  /// - Parameter mustWait: The handler cannot take another request now.
  @inline(__always)
  func arrival(mustWait: Bool) -> Arrival {
    switch reading {
    case .discarded: return .discard
    case .inflating: return .hold
    case .open: return mustWait || !heldInput.isEmpty ? .hold : .read
    case .delivered: preconditionFailure("DATA was received after the end of the stream")
    }
  }

  /// Keeps bytes for later.
  mutating func hold(_ bytes: some Collection<UInt8>) {
    precondition(reading == .open || reading == .inflating, "the call takes no more requests")
    heldInput.append(contentsOf: bytes)
  }

  /// Whether bytes wait that came before those that come now.
  var holdsInput: Bool { !heldInput.isEmpty }

  /// Hands out the bytes that were held.
  mutating func takeHeldInput() -> [UInt8] {
    let input = heldInput
    heldInput = []
    return input
  }

  /// Cuts the next message off the front of `bytes`.
  ///
  /// - Returns: The message; nil when all bytes are taken.
  /// - Throws: As `MessageDeframer.next`.
  @inline(__always)
  mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(RPCError) -> ReceivedMessage? {
    precondition(reading == .open, "messages are read one at a time, and not after the last")
    return try deframer.next(&bytes)
  }

  /// Waits for a message to be inflated before anything after it is read.
  mutating func beginInflating(_ request: [UInt8]) {
    precondition(reading == .open, "messages are inflated one at a time")
    reading = .inflating
    compressedRequest = request
  }

  /// The message is inflated, or cannot be.
  ///
  /// - Returns: Whether the call still wants it.
  mutating func finishInflating() -> Bool {
    switch reading {
    case .inflating:
      reading = .open
      compressedRequest = nil
      return true
    case .discarded: return false
    case .open, .delivered: preconditionFailure("no message is being inflated")
    }
  }

  /// Keeps the request of a method that takes one.
  ///
  /// - Throws: UNIMPLEMENTED for a second one.
  @inline(__always)
  mutating func keepOnlyRequest(_ request: [UInt8], of path: String) throws(RPCError) {
    guard onlyRequest == nil else {
      throw RPCError(.unimplemented, "\(path) takes one request, and more arrived")
    }
    onlyRequest = request
  }

  // MARK: The end

  /// END_STREAM was received.
  @inline(__always)
  mutating func end() {
    precondition(!hasEnded, "a stream ends once")
    hasEnded = true
  }

  /// Whether the handler can be told now that the client has sent its last request.
  @inline(__always)
  var canDeliverEnd: Bool { hasEnded && reading == .open && heldInput.isEmpty }

  /// Tells that the last request is through.
  ///
  /// - Throws: INTERNAL when the stream ends in the middle of a message.
  @inline(__always)
  mutating func deliverEnd() throws(RPCError) {
    precondition(canDeliverEnd, "requests come before their end")
    reading = .delivered
    guard deframer.isBetweenMessages else {
      throw RPCError(.internalError, "the request ends in the middle of a message")
    }
  }

  /// Hands out the one request of a method that takes one, after its end.
  ///
  /// - Throws: UNIMPLEMENTED when none arrived.
  @inline(__always)
  mutating func takeOnlyRequest(of path: String) throws(RPCError) -> [UInt8] {
    precondition(reading == .delivered, "the only request is known to be that at the end")
    guard let request = onlyRequest.take() else {
      throw RPCError(.unimplemented, "\(path) takes one request, and none arrived")
    }
    return request
  }

  /// The call is over: forgets what no handler will see, and drops what still comes.
  @inline(__always)
  mutating func discard() {
    reading = .discarded
    if heldBytes > 0 { forget() }
  }

  private mutating func forget() {
    onlyRequest = nil
    compressedRequest = nil
    heldInput = []
    deframer = MessageDeframer(limit: deframer.limit)
    unreadBytes = nil
  }

  // MARK: Waiting

  /// The handler wants no more requests before `handlerHasRoom`.
  ///
  /// - Parameter unread: The bytes of those it has not read yet.
  mutating func handlerBecameFull(unread: Int) {
    if reading != .discarded { unreadBytes = unread }
  }

  /// Whether the handler has as many requests as it wants.
  var handlerIsFull: Bool { unreadBytes != nil }

  /// The call has to wait.
  ///
  /// - Parameter ownResponsesWait: Because of too many responses of its own.
  /// - Returns: Whether to put it into the connection's queue.
  mutating func beginWaiting(ownResponsesWait: Bool) -> Bool {
    // While a message is inflated, that is what it waits for.
    guard wait == .none, reading != .inflating else { return false }
    if ownResponsesWait {
      wait = .forOwnResponses
    } else if unreadBytes != nil {
      wait = .forHandler
    } else {
      wait = .queued
      return true
    }
    return false
  }

  /// Enough of its own responses have been sent.
  ///
  /// - Returns: Whether to put it into the connection's queue.
  mutating func ownResponsesSent() -> Bool { queue(from: .forOwnResponses) }

  /// The handler has read its requests.
  ///
  /// - Returns: Whether to put the call into the connection's queue.
  mutating func handlerHasRoom() -> Bool {
    unreadBytes = nil
    return queue(from: .forHandler)
  }

  private mutating func queue(from reason: Wait) -> Bool {
    guard wait == reason else { return false }
    wait = .queued
    return true
  }

  /// Its turn in the connection's queue has come.
  mutating func leaveQueue() {
    precondition(wait == .queued, "the call is not in the queue")
    wait = .none
  }

  // MARK: What is held

  /// Bytes of requests that have not reached the handler, and those it has not read.
  @inline(__always)
  var heldBytes: Int {
    deframer.heldBytes + heldInput.count + (compressedRequest?.count ?? 0)
      + (onlyRequest?.count ?? 0) + (unreadBytes ?? 0)
  }

  /// Whether the connection has counted any bytes of this call.
  var isCounted: Bool { countedBytes > 0 }

  /// Brings what the connection has counted up to date.
  ///
  /// - Returns: What to add to the connection's sum.
  @inline(__always)
  mutating func recount() -> Int {
    let held = heldBytes
    defer { countedBytes = held }
    return held - countedBytes
  }
}
