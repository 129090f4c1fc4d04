internal import DequeModule
internal import Logging
internal import NIOCore
internal import Threads

/// A call between its event loop and the task of its handler. Thread-safe.
final class TaskCall: Sendable {
  let path: String
  let metadataFields: [UInt8]
  let peer: Peer
  let deadline: NIODeadline?
  let call: ServerCall
  let state = Locked(State())

  typealias Reader = CheckedContinuation<Result<[UInt8]?, RPCError>, Never>
  typealias Writer = CheckedContinuation<RPCError?, Never>

  struct State {
    /// Why nothing is read or sent any more.
    var end: RPCError?
    var trailers = Metadata()

    // Requests: see TaskCall+Requests.
    var requests: Deque<(bytes: [UInt8], isCompressed: Bool)> = []
    var unreadBytes = 0
    /// The event loop was told to keep further requests.
    var isFull = false
    var hasAllRequests = false
    var wasRequestCompressed = false
    var reader: Reader?

    // Responses: see TaskCall+Responses.
    /// `ServerCall.send` has answered false, and `writable` has not come yet.
    var awaitsRoom = false
    var writers: [Int: Writer] = [:]
    var writersSoFar = 0
  }

  /// On the event loop, once the call's headers are in.
  init(_ call: ServerCall) {
    self.call = call
    path = call.path
    metadataFields = call.metadataFields
    peer = call.peer
    deadline = call.deadline
  }

  /// Runs a handler.
  ///
  /// - Parameter body: Returns the answer that ends the call; nil ends it without one.
  func run(_ body: @escaping @Sendable () async throws -> [UInt8]?) -> Task<Void, Never> {
    Task {
      do {
        finish(with: try await body())
      } catch {
        fail(with: error)
      }
    }
  }

  var isOver: Bool { state.withLock { $0.end != nil } }

  func setTrailers(_ trailers: Metadata) { state.withLock { $0.trailers = trailers } }

  // What is said to the call is said under the lock: nothing follows its end, after which its event
  // loop may be gone. The call never calls back at once.

  /// - Throws: Why the call is over.
  func perform(_ action: ServerCall.Action) throws(RPCError) {
    try state.withLock { state throws(RPCError) in
      if let end = state.end { throw end }
      call.perform(action)
    }
  }

  private func finish(with answer: [UInt8]?) {
    end(for: Self.over) { trailers in
      if let answer { call.send(answer) }
      call.perform(.finish(trailers))
    }
  }

  private func fail(with error: any Error) {
    end(for: Self.over) { trailers in
      var status = self.status(for: error)
      for entry in trailers.entries {
        status.metadata.add(wireValue: entry.wireValue, for: entry.key)
      }
      call.perform(.fail(status))
    }
  }

  /// The status of a call whose handler has thrown.
  private func status(for error: any Error) -> RPCError {
    if let error = error as? RPCError { return error }
    if error is CancellationError { return RPCError(.cancelled, "the handler was cancelled") }
    call.connection.logger.error(
      "a handler threw an error that is no RPCError",
      metadata: ["path": "\(path)", "error": "\(error)"])
    return RPCError(.unknown, "the handler failed")
  }

  private static var over: RPCError { RPCError(.cancelled, "the call is over") }

  /// Ends reading and sending; only the first time counts.
  ///
  /// - Parameter last: What to say to the call, with the trailers.
  func end(for reason: RPCError, saying last: (Metadata) -> Void = { _ in }) {
    let (reader, writers) = state.withLock { state -> (Reader?, [Writer]) in
      guard state.end == nil else { return (nil, []) }
      state.end = reason
      state.requests = []
      last(state.trailers)
      defer { state.writers = [:] }
      return (state.reader.take(), Array(state.writers.values))
    }
    reader?.resume(returning: .failure(reason))
    for writer in writers { writer.resume(returning: reason) }
  }
}
