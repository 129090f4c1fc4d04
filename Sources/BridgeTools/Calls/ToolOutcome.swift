public import BridgeSessions

/// How a tool's call ended.
public struct ToolOutcome: Sendable {
  /// The result, or why there is none.
  public var result: Result<ToolValue, ToolFailure>
  /// A blob beside the result; nil where there is none.
  public var binaryResult: Blob?
  /// Metadata the tool set for the answer.
  public var metadata: VariableMetadata

  /// The end of a call.
  public init(
    _ result: consuming Result<ToolValue, ToolFailure>, binaryResult: Blob? = nil,
    metadata: VariableMetadata = VariableMetadata()
  ) {
    self.result = result
    self.binaryResult = binaryResult
    self.metadata = metadata
  }

  /// About how many bytes a success has, what is beside the result included.
  public var byteCount: Int {
    guard case .success(let value) = result else { return 0 }
    return value.byteCount + (binaryResult?.count ?? 0)
  }
}
