/// The threads of running tools: those that tools run on, those that deliver changes to their watches, those
/// that tell them of cancellations, and those that serve tools of other processes.
///
/// The second and third are apart because a callback of a watch may wait for one that tells of a cancellation.
/// Thread-safe.
public final class ToolThreads: Sendable {
  /// How many threads there are, and how many calls may wait for them.
  public struct Configuration: Sendable {
    /// Threads for tools. Each running call holds one; the calls of one client leave an eighth to others.
    public var toolThreads = 64
    /// Calls that may wait for a thread, or for their turn.
    public var queuedCalls = 10_000
    /// Threads for callbacks of watches, as many for those that are told of cancellations, and as many for
    /// what tools of other processes ask for.
    public var callbackThreads = 8

    /// The defaults.
    public init() {}
  }

  let pool: WorkerPool
  let callbacks: WorkerPool
  private let cancellations: WorkerPool
  private let requests: WorkerPool
  private let deadlines = DeadlineTimer()

  /// Threads are made when there is work for them.
  public init(_ configuration: Configuration = Configuration()) {
    pool = WorkerPool(
      "tools", threads: configuration.toolThreads, queueLimit: configuration.queuedCalls)
    callbacks = WorkerPool(
      "callbacks", threads: configuration.callbackThreads, queueLimit: .max / 2)
    cancellations = WorkerPool(
      "cancellations", threads: configuration.callbackThreads, queueLimit: .max / 2)
    requests = WorkerPool(
      "requests", threads: configuration.callbackThreads, queueLimit: .max / 2)
  }

  /// Runs what tells a tool of a cancellation.
  func tell(_ body: @escaping @Sendable () -> Void) {
    // The pool refuses only while it stops, with the whole host.
    _ = cancellations.submit(body)
  }

  /// Runs what delivers something to a tool: it may block, but not for long.
  public func deliver(_ body: @escaping @Sendable () -> Void) {
    // As above.
    _ = callbacks.submit(body)
  }

  /// Runs what a tool elsewhere asks for: it ends by itself, but may wait for the disk.
  func serve(_ body: @escaping @Sendable () -> Void) {
    // As above.
    _ = requests.submit(body)
  }

  /// Cancels a call at its deadline, of `MonotonicClock`, if it has not ended by then: for calls that nobody else
  /// has a timer for.
  public func cancel(_ call: ToolCall, at deadline: Int64) {
    deadlines.add(deadline) { [weak call] in call?.cancel(.deadlineExceeded) }
  }

  /// Lets threads end when their work is done. Does not wait for them.
  public func stop() {
    pool.stop()
    callbacks.stop()
    cancellations.stop()
    requests.stop()
    deadlines.stop()
  }
}
