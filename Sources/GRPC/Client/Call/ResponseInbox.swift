internal import DequeModule
internal import Threads

/// What has arrived of a response, between the event loop that receives and the task that reads.
///
/// It also keeps the account of the stream's window: bytes are returned to it as messages are
/// taken, and at once only while the reader waits, so that a message may be larger than the window. Compressed messages are inflated as they are taken, by the task that reads. Thread-safe.
final class ResponseInbox: Sendable {
  private struct State {
    var metadata: Metadata?
    private var messages: Deque<ReceivedMessage> = []
    /// The size of those messages as it was on the stream.
    private var held = 0
    var end: CallEnd?
    /// Bytes that arrived and were not returned to the window.
    var unreturned = 0
    var reader: CheckedContinuation<Result<ReceivedMessage?, RPCError>, Never>?
    /// A message could not be read: whatever else is heard of the call, that ended it.
    var isGivenUp = false
    /// Those who wait for the metadata or for the end.
    var headWaiters: [CheckedContinuation<Void, Never>] = []
    var endWaiters: [CheckedContinuation<Void, Never>] = []

    mutating func append(_ arrived: [ReceivedMessage]) {
      for message in arrived {
        messages.append(message)
        held += message.framedSize
      }
    }

    mutating func popFirst() -> ReceivedMessage? {
      guard let message = messages.popFirst() else { return nil }
      held -= message.framedSize
      return message
    }

    mutating func removeAll() {
      messages = []
      held = 0
    }

    /// The bytes to return to the window now: all but those of messages that nobody has taken,
    /// unless that is less than `least`. A message that is still arriving keeps none: it may be
    /// larger than the window.
    mutating func takeReturnable(atLeast least: Int) -> Int {
      let count = unreturned - held
      guard count >= least else { return 0 }
      unreturned -= count
      return count
    }

    /// The end as the caller is told of it: with the metadata that came before it.
    func completed(_ end: CallEnd) -> CallEnd {
      guard let metadata, end.error != nil else { return end }
      var end = end
      end.error?.headers = metadata
      return end
    }
  }

  private let state = Locked(State())
  /// Returns bytes to the stream's window. `[any thread]`
  private let returnBytes: @Sendable (Int) -> Void
  /// Ends the call. `[any thread]`
  private let giveUp: @Sendable (RPCError) -> Void
  private let messageLimit: Int
  /// Fewer bytes than these are not returned by themselves: each time wakes the event loop.
  private let leastReturned: Int

  /// - Parameter messageLimit: The longest size of a message that is inflated.
  init(
    window: Int, messageLimit: Int, returnBytes: @escaping @Sendable (Int) -> Void,
    giveUp: @escaping @Sendable (RPCError) -> Void
  ) {
    self.leastReturned = max(1, window / 4)
    self.messageLimit = messageLimit
    self.returnBytes = returnBytes
    self.giveUp = giveUp
  }

  // MARK: Arrivals, on the event loop

  func receive(_ metadata: Metadata) {
    let waiters = state.withLock { state in
      state.metadata = metadata
      return state.headWaiters.takeAll()
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Takes the messages that `byteCount` arriving bytes completed.
  ///
  /// - Returns: How many bytes to return to the window now.
  func receive(_ messages: [ReceivedMessage], byteCount: Int) -> Int {
    typealias Reader = CheckedContinuation<Result<ReceivedMessage?, RPCError>, Never>
    let (reader, message, returned) = state.withLock { state -> (Reader?, ReceivedMessage?, Int) in
      state.unreturned += byteCount
      state.append(messages)
      guard state.reader != nil else { return (nil, nil, 0) }
      let message = state.popFirst()
      return (message == nil ? nil : state.reader.take(), message, state.takeReturnable(atLeast: 1))
    }
    reader?.resume(returning: .success(message))
    return returned
  }

  /// Ends the response.
  ///
  /// - Parameter dropping: Whether messages that nobody has taken go, because the caller's side
  ///   ended the call.
  func finish(_ end: CallEnd, dropping: Bool) {
    let (waiters, reader, end) = state.withLock { state in
      let end = state.completed(end)
      if !state.isGivenUp { state.end = end }
      if dropping { state.removeAll() }
      let waiters = state.headWaiters.takeAll() + state.endWaiters.takeAll()
      return (waiters, state.reader.take(), end)
    }
    for waiter in waiters { waiter.resume() }
    reader?.resume(returning: Self.result(of: end))
  }

  // MARK: Reading, in one task at a time

  /// The next message, or nil after the last.
  func next() async throws(RPCError) -> [UInt8]? {
    let result = await withCheckedContinuation { reader in
      let (result, returned) = state.withLock {
        state -> (Result<ReceivedMessage?, RPCError>?, Int) in
        if let message = state.popFirst() {
          return (.success(message), state.takeReturnable(atLeast: leastReturned))
        }
        if let end = state.end { return (Self.result(of: end), 0) }
        precondition(state.reader == nil, "a response is read by one task at a time")
        state.reader = reader
        return (nil, state.takeReturnable(atLeast: leastReturned))
      }
      if returned > 0 { returnBytes(returned) }
      if let result { reader.resume(returning: result) }
    }
    guard let message = try result.get() else { return nil }
    do throws(RPCError) {
      return try message.content(limit: messageLimit)
    } catch {
      throw fail(error)
    }
  }

  /// Ends the call because a message of it cannot be read.
  ///
  /// - Returns: The error as the caller is told of it.
  private func fail(_ error: RPCError) -> RPCError {
    let end = state.withLock { state in
      let end = state.completed(CallEnd(error: error))
      state.end = end
      state.isGivenUp = true
      return end
    }
    finish(end, dropping: true)
    giveUp(error)
    return end.error ?? error
  }

  private static func result(of end: CallEnd) -> Result<ReceivedMessage?, RPCError> {
    end.error.map { .failure($0) } ?? .success(nil)
  }

  /// The metadata the response began with; empty when it ended without any.
  func metadata() async throws(RPCError) -> Metadata {
    await wait(forEnd: false)
    let (metadata, end) = state.withLock { ($0.metadata, $0.end) }
    if let metadata { return metadata }
    if let error = end?.error { throw error }
    return Metadata()
  }

  /// How the call ended, once it has.
  func end() async -> CallEnd {
    await wait(forEnd: true)
    return state.withLock { $0.end! }
  }

  /// The only message of a call that has ended well.
  ///
  /// - Throws: When it is compressed and does not inflate.
  func takeOnly() throws(RPCError) -> (metadata: Metadata, message: [UInt8]?) {
    let (metadata, message) = state.withLock { ($0.metadata ?? Metadata(), $0.popFirst()) }
    do throws(RPCError) {
      return (metadata, try message?.content(limit: messageLimit))
    } catch {
      var error = error
      error.headers = metadata
      throw error
    }
  }

  private func wait(forEnd: Bool) async {
    await withCheckedContinuation { waiter in
      let isDone = state.withLock { state in
        if state.end != nil || !forEnd && state.metadata != nil { return true }
        if forEnd { state.endWaiters.append(waiter) } else { state.headWaiters.append(waiter) }
        return false
      }
      if isDone { waiter.resume() }
    }
  }
}
