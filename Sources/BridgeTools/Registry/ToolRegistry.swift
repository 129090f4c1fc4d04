internal import BridgeSessions
internal import Threads

/// The tools of a host, and the providers that bring them.
///
/// Readers take a catalog, which never changes; writers make the next one. A provider that is replaced or
/// removed admits no further calls, and is told when its last call has ended. Thread-safe.
public final class ToolRegistry: Sendable {
  private struct State {
    var catalog = ToolCatalog()
    /// Those that admit calls, by the id of their provider.
    var admitting: [String: ProviderGeneration] = [:]
    /// Those whose last calls still run.
    var draining: [ProviderGeneration] = []
    var lastNumber = 0
    var watches: [ObjectIdentifier: @Sendable () -> Void] = [:]
  }

  private let state = Locked(State())
  private let makeQueue: @Sendable (_ limit: Int) -> CallQueue

  init(makeQueue: @escaping @Sendable (_ limit: Int) -> CallQueue) { self.makeQueue = makeQueue }

  /// The tools that can be called now.
  public var catalog: ToolCatalog { state.withLock(\.catalog) }

  /// The generations that admit calls or still run some, oldest first.
  public var generations: [ProviderGeneration] {
    state.withLock { state in
      state.draining.removeAll { $0.state == .retired }
      return (state.admitting.values + state.draining).sorted { $0.number < $1.number }
    }
  }

  /// Registers a provider. One of the same id is replaced: its tools go and the new ones come in one
  /// step, so that no call in between finds neither.
  ///
  /// - Parameter others: Ids of providers that are removed in the same step, such as one whose tools this one
  ///   brings under another id.
  /// - Throws: `ToolsError` with code `nameTaken` when two tools would have one name; nothing has
  ///   changed then.
  @discardableResult
  public func register(
    _ provider: any ToolProvider, removing others: [String] = []
  ) throws(ToolsError) -> ProviderGeneration {
    let tools = provider.tools
    let (new, old) = try state.withLock {
      (state) throws(ToolsError) -> (ProviderGeneration, [ProviderGeneration]) in
      let generation = ProviderGeneration(provider, number: state.lastNumber + 1)
      let old = ([provider.id] + others).compactMap { state.admitting[$0] }
      state.catalog = try state.catalog.replacing(old, with: registered(tools, of: generation))
      state.lastNumber += 1
      for id in others { state.admitting[id] = nil }
      state.admitting[provider.id] = generation
      state.draining.removeAll { $0.state == .retired }
      state.draining += old
      return (generation, old)
    }
    for generation in old { generation.drain() }
    tellChange()
    return new
  }

  /// Removes a provider. Its calls go on to their end.
  ///
  /// - Returns: What drains now; nil when there is no such provider.
  @discardableResult
  public func remove(_ id: String) -> ProviderGeneration? {
    let old = state.withLock { state -> ProviderGeneration? in
      guard let old = state.admitting.removeValue(forKey: id) else { return nil }
      // Taking away cannot make two of a name.
      if let catalog = try? state.catalog.replacing([old], with: []) { state.catalog = catalog }
      state.draining.removeAll { $0.state == .retired }
      state.draining.append(old)
      return old
    }
    old?.drain()
    if old != nil { tellChange() }
    return old
  }

  // MARK: Watching

  /// A watch on the tools; it ends when nobody holds it any more. Thread-safe.
  public final class Watch: Sendable {
    private let registry: ToolRegistry

    fileprivate init(_ registry: ToolRegistry) { self.registry = registry }

    deinit {
      let id = ObjectIdentifier(self)
      // What it would have called goes outside of the lock.
      _ = registry.state.withLock { $0.watches.removeValue(forKey: id) }
    }
  }

  /// Tells of changes of the catalog.
  ///
  /// - Parameter changed: Called after each change, on the thread that made it; it must be quick. It may be
  ///   called once more while the watch ends.
  public func watch(_ changed: @escaping @Sendable () -> Void) -> Watch {
    let watch = Watch(self)
    state.withLock { $0.watches[ObjectIdentifier(watch)] = changed }
    return watch
  }

  private func tellChange() {
    for changed in state.withLock({ Array($0.watches.values) }) { changed() }
  }

  /// Finds a tool and begins a call of it.
  ///
  /// - Throws: `ToolsError` with code `toolNotFound`.
  public func admit(_ name: String) throws(ToolsError) -> AdmittedTool {
    while true {
      // What no tool is called is not hashed.
      guard NameRules.isHashable(name, length: NameRules.keyLength), let tool = catalog[name] else {
        throw ToolsError(.toolNotFound, "Tool not found: \(name)", details: ["tool": name])
      }
      // Otherwise it was replaced or removed just now, and the next catalog says by what.
      if tool.generation.admit() { return AdmittedTool(tool) }
    }
  }

  private func registered(
    _ tools: [any Tool], of generation: ProviderGeneration
  ) -> [RegisteredTool] {
    var serialQueue: CallQueue?
    return tools.map { tool in
      let queue: CallQueue?
      switch tool.description.concurrency {
      case .unlimited: queue = nil
      case .limited(let limit): queue = makeQueue(limit)
      case .serial:
        serialQueue = serialQueue ?? makeQueue(1)
        queue = serialQueue
      }
      return RegisteredTool(tool, generation: generation, queue: queue)
    }
  }
}
