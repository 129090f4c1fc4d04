/// How a tool's call ended.
public struct ToolOutcome: Sendable {
  /// The result, or why there is none.
  public var result: Result<ToolValue, ToolFailure>
  /// A blob beside the result.
  public var binaryResult: [UInt8] = []
  /// Metadata the tool set for the answer.
  public var metadata: [String: String] = [:]
}

/// Why a tool failed.
public struct ToolFailure: Error, Sendable {
  /// A gRPC status code, never 0.
  public var code: Int32
  public var message: String
  /// A short name for programs.
  public var type: String
  /// A JSON object; empty where there is none.
  public var details: String = ""
  public var isRetryable = false
}

/// Who hears of a call. All functions come on the threads of tools and must be quick.
public protocol ToolCallObserver: AnyObject, Sendable {
  /// A chunk was emitted.
  ///
  /// - Returns: Whether there is room for more; without, the tool waits for
  ///   `ToolCall.roomIsAvailable`.
  func emitted(_ chunk: ToolValue) -> Bool
  func progressed(_ fraction: Double, _ message: String)
  /// The call is over; nothing follows.
  func finished(_ outcome: ToolOutcome)
}
