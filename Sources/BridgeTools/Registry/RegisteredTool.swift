internal import Synchronization

/// A tool as the registry holds it: with the generation it belongs to, and how its calls are scheduled.
///
/// Thread-safe.
public final class RegisteredTool: Sendable {
  /// The tool itself.
  public let tool: any Tool
  /// What the tool says of itself.
  public let description: ToolDescription
  /// The registration that brought it.
  public let generation: ProviderGeneration

  /// Where calls wait for their turn; nil where any number may run.
  let queue: CallQueue?
  /// Calls that ran inline and took too long.
  private let slowCalls = Atomic<Int>(0)

  /// So many slow calls move a tool from the event loop to the pool.
  private static let slowCallLimit = 3

  init(_ tool: any Tool, generation: ProviderGeneration, queue: CallQueue?) {
    self.tool = tool
    self.description = tool.description
    self.generation = generation
    self.queue = queue
  }

  /// Whether calls may run on the thread that asks for them.
  var runsInline: Bool {
    description.execution == .inline && queue == nil
      && slowCalls.load(ordering: .relaxed) < Self.slowCallLimit
  }

  /// Notes that a call that ran inline took too long.
  ///
  /// - Returns: Whether this one moves the tool to the pool.
  func noteSlowCall() -> Bool {
    slowCalls.add(1, ordering: .relaxed).newValue == Self.slowCallLimit
  }
}
