/// A tool that cannot write variables: its calls have no functions that do, and the host refuses.
///
/// Callers see it as read-only and may run it where nothing may change.
public protocol ReadOnlyTool: ToolDeclaration {
  /// What `run` answers: a type that is `ToolValueConvertible`, or nothing.
  associatedtype Output

  /// Runs one call; see `Tool.run`.
  func run(_ call: ReadOnlyToolCall) throws -> Output

  /// The output as a value of the host; see `Tool`.
  func toolValue(of output: Output) -> ToolValue
}

extension ReadOnlyTool where Output: ToolValueConvertible {
  /// The output's own value.
  public func toolValue(of output: Output) -> ToolValue { output.toolValue }
  /// What the type says.
  public var output: ToolOutput { ToolOutput(of: Output.self) }
}

extension ReadOnlyTool where Output == Void {
  /// No value.
  public func toolValue(of output: Output) -> ToolValue { .null }
  /// No result.
  public var output: ToolOutput { .none }
}
