/// What a tool says of itself.
public struct ToolDescription: Sendable {
  /// The name clients call it by; see `ToolName`.
  public var name: String
  /// A name for people; empty where there is none.
  public var title = ""
  /// What it does, in a sentence or two.
  public var description: String
  /// What it takes.
  public var parameters: [ParameterDescription]
  /// What it answers; nil where the tool does not say.
  public var output: OutputDescription?
  /// The plugin, or whatever else serves it.
  public var plugin: String

  /// Whether it emits chunks while it runs.
  public var streams = false
  /// Whether it only reads variables. Enforced.
  public var isReadOnly = false
  /// Whether it may destroy something.
  public var isDestructive = false
  /// Whether calling it twice does what calling it once does.
  public var isIdempotent = false
  /// Whether it reaches beyond the host: the network, other programs.
  public var isOpenWorld = false
  /// Whether its writes are to be committed together when it succeeds, and not at all otherwise.
  public var isAtomic = false

  /// Whether it takes parameters that it does not declare: they are handed on as they are.
  public var takesUndeclared = false

  /// Why none of its calls succeeds for now; empty where it serves.
  public var outOfService = ""

  /// Where its calls run.
  public var execution = Execution.pool
  /// How many of its calls may run at once.
  public var concurrency = Concurrency.unlimited

  /// Variables it reads and writes, as names or patterns with `*`; empty lists, both, stand for any.
  /// Enforced.
  public var reads: [String] = []
  /// Variables it writes; see `reads`.
  public var writes: [String] = []

  /// Where a tool's calls run.
  public enum Execution: Sendable, Equatable {
    /// On a worker thread, where a call may block.
    case pool
    /// On the thread that asks for the call, usually an event loop: the tool says it is quick. It is
    /// measured, and moved to the pool when it is not.
    case inline
    /// On the thread that asks for the call: `run` only passes the call on, and never blocks.
    case forwarded
  }

  /// How many calls of a tool may run at once.
  public enum Concurrency: Sendable, Equatable {
    case unlimited
    /// At most this many, from 1.
    case limited(Int)
    /// One at a time of all serial tools of its plugin.
    case serial
  }

  /// A tool with the usual traits: its calls run on worker threads, in any number.
  public init(name: String, description: String, parameters: [ParameterDescription], plugin: String)
  {
    self.name = name
    self.description = description
    self.parameters = parameters
    self.plugin = plugin
  }

  /// Whether the tool declares which variables it uses.
  public var declaresVariables: Bool { !reads.isEmpty || !writes.isEmpty }
}
