internal import BridgePluginABI

/// Calls other tools of the host, by name and in the caller's session.
///
/// A call that is made so ends with the one that makes it: at its deadline, when it is cancelled, and
/// when it is over. A read-only tool can call read-only tools only.
public struct ToolCaller: Sendable {
  let state: CallState

  /// Calls a tool and waits for its answer, keeping the thread.
  ///
  ///     let count = try call.tools.call("word_count", ["text": text])
  ///
  /// - Parameters:
  ///   - arguments: Checked like a client's.
  ///   - metadata: Beside that of the caller's own request.
  ///   - timeout: Nil waits until the caller's own deadline, which always holds.
  ///   - onChunk: Takes what the tool emits, one at a time, on a thread of the host; the tool waits
  ///     meanwhile. What it throws cancels the tool. Nil: chunks are not wanted.
  /// - Throws: The error the tool failed with, or why it could not be called: `notFound`,
  ///   `invalidArgument`, `failedPrecondition` (too deep), `resourceExhausted`.
  @available(*, noasync, message: "it keeps the thread; `await` the other `call`")
  public func call(
    _ tool: String, _ arguments: KeyValuePairs<String, any ToolValueConvertible> = [:],
    metadata: [String: String] = [:], timeout: Duration? = nil,
    onChunk: (@Sendable (ToolValue) throws -> Void)? = nil
  ) throws(ToolError) -> ToolReply {
    let invocation = try Invocation(
      tool, arguments, metadata, timeout, state.api, onChunk: onChunk, onEnd: nil)
    defer { invocation.drop() }
    return try invocation.reply()
  }

  /// Calls a tool like the other `call`, waiting without keeping the thread.
  public func call(
    _ tool: String, _ arguments: KeyValuePairs<String, any ToolValueConvertible> = [:],
    metadata: [String: String] = [:], timeout: Duration? = nil,
    onChunk: (@Sendable (ToolValue) throws -> Void)? = nil
  ) async throws -> ToolReply {
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let invocation = try Invocation(
      tool, arguments, metadata, timeout, state.api, onChunk: onChunk, onEnd: { end.finish() })
    defer { invocation.drop() }
    // Ends when the tool does, or when the task is cancelled.
    for await _ in ends {}
    try Task.checkCancellation()
    return try invocation.reply()
  }
}

/// What a tool answered.
public struct ToolReply: Sendable {
  /// The result.
  public let value: ToolValue
  /// Bytes beside it.
  public let binary: Bytes
  /// The answer's metadata.
  public let metadata: [String: String]

  /// The result as a type.
  ///
  /// - Throws: `invalidArgument` when it is of another type.
  public func value<Value: ToolValueConvertible>(
    as type: Value.Type = Value.self
  ) throws(ToolError) -> Value {
    guard let value = Value(toolValue: value) else {
      throw ToolError(
        .invalidArgument, "the tool answered a value of type \(self.value.type), no \(type)")
    }
    return value
  }
}
