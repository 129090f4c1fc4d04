/// A tool that waits without keeping a thread: for calls that last long and do little.
public protocol AsyncTool: ToolDeclaration {
  /// What `run` answers: a type that is `ToolValueConvertible`, or nothing.
  associatedtype Output

  /// Runs one call in a task of its own, which is cancelled when the call is.
  ///
  /// Do not block: it would keep a thread that all async tools share. See `Tool.run` for errors.
  func run(_ call: ToolCall) async throws -> Output

  /// The output as a value of the host; see `Tool`.
  func toolValue(of output: Output) -> ToolValue
}

extension AsyncTool where Output: ToolValueConvertible {
  /// The output's own value.
  public func toolValue(of output: Output) -> ToolValue { output.toolValue }
  /// What the type says.
  public var output: ToolOutput { ToolOutput(of: Output.self) }
}

extension AsyncTool where Output == Void {
  /// No value.
  public func toolValue(of output: Output) -> ToolValue { .null }
  /// No result.
  public var output: ToolOutput { .none }
}
