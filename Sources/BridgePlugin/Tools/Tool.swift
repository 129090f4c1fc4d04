/// A tool: a type with typed parameters and a function that runs one call.
///
///     struct Power: Tool {
///       let description = "Raises a base to an exponent."
///       let base = Parameter<Double>("base", "The base.")
///       let exponent = Parameter<Double>("exponent", "The exponent.", default: 2)
///
///       func run(_ call: ToolCall) throws -> Double { pow(call[base], call[exponent]) }
///     }
///
/// Its parameters are its stored properties of type `Parameter`, in the order of declaration.
public protocol Tool: ToolDeclaration {
  /// What `run` answers: a type that is `ToolValueConvertible`, or nothing.
  associatedtype Output

  /// Runs one call on a worker thread of the host, which it may keep as long as it likes.
  ///
  /// Calls run at the same time unless `threading` says otherwise. An error that is thrown becomes
  /// the answer to the caller; throw `ToolError` to choose its code.
  func run(_ call: ToolCall) throws -> Output

  /// The output as a value of the host. There is an implementation for every `Output` the SDK
  /// knows how to convert.
  func toolValue(of output: Output) -> ToolValue
}

extension Tool where Output: ToolValueConvertible {
  /// The output's own value.
  public func toolValue(of output: Output) -> ToolValue { output.toolValue }
  /// What the type says.
  public var output: ToolOutput { ToolOutput(of: Output.self) }
}

extension Tool where Output == Void {
  /// No value.
  public func toolValue(of output: Output) -> ToolValue { .null }
  /// No result.
  public var output: ToolOutput { .none }
}
