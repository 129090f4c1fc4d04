internal import BridgeSessions
internal import JSON

/// Why a tool failed.
public struct ToolFailure: Error, Sendable, Equatable {
  /// A status code with gRPC's numbers, never 0.
  ///
  /// Source: https://grpc.io/docs/guides/status-codes/
  public var code: Int32
  /// For a person.
  public var message: String
  /// A short name for programs.
  public var type: String
  /// A JSON object; empty where there is none.
  public var details: String
  /// Whether the same call may succeed later.
  public var isRetryable: Bool

  /// A failure.
  ///
  /// - Parameters:
  ///   - code: With gRPC's numbers, not 0.
  ///   - details: A JSON object, or empty.
  public init(
    code: Int32, message: String, type: String, details: String = "", isRetryable: Bool = false
  ) {
    self.code = code
    self.message = message
    self.type = type
    self.details = details
    self.isRetryable = isRetryable
  }

  /// The failure of a call that had to end.
  public init(_ cancellation: ToolCall.Cancellation, tool: String) {
    switch cancellation {
    case .cancelled: self.init(code: 1, message: "\(tool) was cancelled", type: "cancelled")
    case .deadlineExceeded:
      self.init(code: 4, message: "\(tool) ran into its deadline", type: "deadline")
    }
  }

  /// The failure of an atomic tool whose writes were refused when it had succeeded.
  init(refusing error: any Error, tool: String) {
    let refusal = error as? SessionError
    // The tool saw it otherwise: somebody else has changed it meanwhile.
    let isConflict =
      switch refusal?.code {
      case .versionMismatch, .variableNotFound, .alreadyExists: true
      default: false
      }
    let code = isConflict ? 10 : refusal?.code.statusCode ?? 13
    self.init(
      code: code,
      message: "\(tool) has written nothing, because a write was refused at its end: \(error)",
      type: isConflict ? "conflict" : "commit_refused",
      isRetryable: isConflict || refusal?.code == .storageUnavailable
        || refusal?.isTransient == true)
    if let refusal, !refusal.details.isEmpty {
      var writer = JSONWriter()
      writer.write(raw: "{")
      for (index, (key, value)) in refusal.details.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { writer.write(raw: ",") }
        writer.write(key)
        writer.write(raw: ":")
        writer.write(value)
      }
      writer.write(raw: "}")
      details = String(decoding: writer.bytes, as: UTF8.self)
    }
  }
}
