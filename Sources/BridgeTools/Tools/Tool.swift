/// A tool that can be called: a function of a plugin, of a child process, of a client, of another host.
///
/// Nothing above this protocol can tell these apart.
public protocol Tool: Sendable {
  /// What the tool says of itself. It stays the same for as long as the tool is registered.
  var description: ToolDescription { get }

  /// Runs one call, and ends it with `ToolCall.finish`, now or later, on any thread.
  ///
  /// It is called once for each call, on the thread that `ToolDescription.execution` asks for.
  func run(_ call: ToolCall)

  /// Why a tool whose calls are forwarded does not take a call now; nil where it does.
  ///
  /// It is asked before `run`. One that finds out later ends the call with a failure.
  func refusal(of call: ToolCall) -> ToolsError?
}

extension Tool {
  /// Takes any number of calls.
  public func refusal(of call: ToolCall) -> ToolsError? { nil }
}
