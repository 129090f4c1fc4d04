/// Changes of variables as an asynchronous sequence, for one reader.
///
/// It ends by throwing: `CancellationError` when the task is cancelled, as it is with the call;
/// `aborted` when the host ends the watch; `resourceExhausted` when the reader falls behind by more
/// than 65,536 changes.
public struct VariableChanges: AsyncSequence, Sendable {
  private static let limit = 1 << 16

  private let stream: AsyncThrowingStream<VariableChange, any Error>

  init(_ identifiers: [String], initial: Bool, of variables: some VariableReading) throws {
    let (stream, continuation) = AsyncThrowingStream.makeStream(
      of: VariableChange.self, bufferingPolicy: .bufferingOldest(Self.limit))
    let handle = try variables.watch(identifiers, initial: initial) { change in
      guard change.kind != .ended else {
        continuation.finish(throwing: change.endError)
        return
      }
      if case .dropped = continuation.yield(change) {
        continuation.finish(
          throwing: ToolError(
            .resourceExhausted, "the tool is behind by more than \(Self.limit) changes"))
      }
    }
    // Not here, where a task that is cancelled holds its lock: ending the watch waits for its
    // callback, which may be waiting for that lock to wake the task with a change.
    continuation.onTermination = { _ in
      Task.detached { handle.cancel() }
    }
    self.stream = stream
  }

  /// Begins to read.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(base: stream.makeAsyncIterator())
  }

  /// Reads one change after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate var base: AsyncThrowingStream<VariableChange, any Error>.AsyncIterator

    /// Waits for the next change.
    public mutating func next() async throws -> VariableChange? {
      if let change = try await base.next() { return change }
      try Task.checkCancellation()
      return nil
    }
  }
}

extension VariableReading {
  /// The changes of variables, for `for try await`; see `watch` for the parameters.
  ///
  ///     for try await change in try call.variables.changes("temperature") { ... }
  public func changes(_ identifiers: String..., initial: Bool = true) throws -> VariableChanges {
    try VariableChanges(identifiers, initial: initial, of: self)
  }
}
