internal import Synchronization

/// A tool as the registry holds it: with the generation it belongs to, and how its calls are scheduled.
///
/// Thread-safe.
public final class RegisteredTool: Sendable {
  /// The tool itself.
  public let tool: any Tool
  /// What the tool says of itself.
  public var description: ToolDescription { described.tool }
  /// The same, for calls.
  let described: DescribedTool
  /// The registration that brought it.
  public let generation: ProviderGeneration

  /// Where calls wait for their turn; nil where any number may run.
  let queue: CallQueue?
  /// How slow its calls were that ran inline: a slow one adds `slowCall`, a quick one takes 1 back.
  ///
  /// A quick tool is slow now and then where its thread is interrupted, and stays where it is.
  private let slowness = Atomic<Int>(0)
  /// How long its calls take on worker threads.
  let pace = JobPace()

  private static let slowCall = 1000
  /// From here on a tool's calls run on the pool, for good.
  private static let slownessLimit = 3 * slowCall - slowCall / 2

  init(_ tool: any Tool, generation: ProviderGeneration, queue: CallQueue?) {
    self.tool = tool
    described = DescribedTool(tool.description)
    self.generation = generation
    self.queue = queue
  }

  /// Whether calls may run on the thread that asks for them.
  var runsInline: Bool {
    described.tool.execution == .inline && queue == nil
      && slowness.load(ordering: .relaxed) < Self.slownessLimit
  }

  /// Whether one of its last calls that ran inline was slow.
  var wasSlow: Bool { slowness.load(ordering: .relaxed) > 0 }

  /// Notes how long a call took that ran inline.
  ///
  /// - Returns: Whether this one moves the tool to the pool.
  func noteInlineCall(wasQuick: Bool) -> Bool {
    guard wasQuick else {
      let (before, after) = slowness.add(Self.slowCall, ordering: .relaxed)
      return before < Self.slownessLimit && after >= Self.slownessLimit
    }
    let before = slowness.load(ordering: .relaxed)
    // Another thread may have changed it meanwhile: the next quick call takes it back then.
    if before > 0 && before < Self.slownessLimit {
      _ = slowness.compareExchange(expected: before, desired: before - 1, ordering: .relaxed)
    }
    return false
  }
}
