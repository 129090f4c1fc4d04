public import BridgeSessions
internal import Threads
public import Logging

/// Loads plugins and runs their tools.
///
/// Thread-safe.
public final class PluginHost: Sendable {
  public struct Configuration: Sendable {
    /// Threads for tools. Each running call holds one.
    public var toolThreads = 64
    /// Calls that may wait for a thread.
    public var queuedCalls = 10_000
    /// Threads for callbacks of watches, and as many for those that are told of cancellations.
    public var callbackThreads = 8

    public init() {}
  }

  /// What became of one file of the plugin directory.
  public struct LoadReport: Sendable {
    public let file: String
    /// The tools it brought, or why it was not loaded.
    public let result: Result<[String], PluginError>
  }

  private let logger: Logger
  private let tools = Locked<[String: any Tool]>([:])
  private let pool: WorkerPool
  private let callbacks: WorkerPool
  private let cancellations: WorkerPool

  public init(configuration: Configuration = Configuration(), logger: Logger) {
    self.logger = logger
    pool = WorkerPool(
      "tools", threads: configuration.toolThreads, queueLimit: configuration.queuedCalls)
    callbacks = WorkerPool(
      "callbacks", threads: configuration.callbackThreads, queueLimit: .max / 2)
    cancellations = WorkerPool(
      "cancellations", threads: configuration.callbackThreads, queueLimit: .max / 2)
  }

  // MARK: Loading

  /// Loads every `.so` and every `.native.json` of a directory.
  ///
  /// - Returns: A report a file: a file that cannot be loaded is skipped.
  /// - Throws: `PluginError` when the directory itself cannot be used.
  public func loadDirectory(_ path: String) throws(PluginError) -> [LoadReport] {
    let names = try FilePermissions.entries(of: path)
    let directory = try FilePermissions.absolute(path)
    try FilePermissions.check(directory)
    // Shared objects first: manifests may name them.
    let files = names.filter { $0.hasSuffix(".so") } + names.filter { $0.hasSuffix(".native.json") }
    return files.map { name in
      let file = "\(directory)/\(name)"
      do throws(PluginError) {
        return LoadReport(file: file, result: .success(try load(file)))
      } catch {
        return LoadReport(file: file, result: .failure(error))
      }
    }
  }

  /// Loads a plugin or a manifest.
  ///
  /// - Returns: The names of its tools.
  public func load(_ path: String) throws(PluginError) -> [String] {
    let path = try FilePermissions.absolute(path)
    try FilePermissions.checkFile(path)
    let new: [any Tool] =
      path.hasSuffix(".native.json")
      ? try NativeManifest(reading: path).makeTools()
      : try Plugin(loading: path, pool: pool).tools
    return try add(new, from: path)
  }

  private func add(_ new: [any Tool], from path: String) throws(PluginError) -> [String] {
    let clash = tools.withLock { tools -> (any Tool)? in
      for (index, tool) in new.enumerated() {
        let name = tool.description.name
        if tools[name] != nil || new[..<index].contains(where: { $0.description.name == name }) {
          return tool
        }
      }
      for tool in new { tools[tool.description.name] = tool }
      return nil
    }
    if let clash {
      let name = clash.description.name
      let owner = tool(name)?.description.plugin ?? clash.description.plugin
      throw PluginError("\(path): the tool \(name) is there already, from plugin \(owner)")
    }
    return new.map(\.description.name)
  }

  // MARK: Tools

  /// All tools, by name.
  public var descriptions: [ToolDescription] {
    tools.withLock { $0.values.map(\.description) }.sorted { $0.name < $1.name }
  }

  public var toolCount: Int { tools.withLock(\.count) }

  public func tool(_ name: String) -> (any Tool)? { tools.withLock { $0[name] } }

  /// Starts a call. It runs on a worker; the observer hears of its end exactly once, unless this
  /// throws.
  ///
  /// - Parameters:
  ///   - deadline: Nanoseconds of `MonotonicClock`; nil for none. The call looks at it when its tool
  ///     asks or sleeps. To have listeners told, whoever starts the call also cancels it then, as the
  ///     gRPC server does with one timer a connection.
  /// - Throws: `SessionError` with code `limitReached` when too many calls wait.
  public func start(
    _ tool: any Tool, session: Session, arguments: Arguments, metadata: [String: String],
    deadline: Int64?, isStreaming: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    let call = ToolCall(
      tool: tool, session: session, arguments: arguments, metadata: metadata, deadline: deadline,
      isStreaming: isStreaming,
      environment: .init(logger: logger, callbacks: callbacks, cancellations: cancellations),
      observer: observer)
    let job: WorkerPool.Job = { tool.run(call) }
    let isAccepted = tool.lane.map { $0.lane.submit(job) } ?? pool.submit(job)
    guard isAccepted else {
      throw SessionError(
        .limitReached,
        "\(pool.threadLimit) tool calls run and \(pool.queueLimit) wait; try again later")
    }
    return call
  }

  /// Lets threads end when their work is done.
  public func stop() {
    pool.stop()
    callbacks.stop()
    cancellations.stop()
  }
}
