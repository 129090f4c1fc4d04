internal import BridgeSessions
internal import Synchronization
internal import Threads

/// Tools that are there for one session alone, and go with it.
///
/// Thread-safe.
public final class SessionTools: Sendable {
  private struct Entry {
    let session: Session
    let registry: ToolRegistry
  }

  private let entries = Locked<[String: Entry]>([:])
  /// How many there are: most hosts have none, and calls do not look further then.
  private let count = Atomic<Int>(0)
  private let makeRegistry: @Sendable () -> ToolRegistry

  init(makeRegistry: @escaping @Sendable () -> ToolRegistry) { self.makeRegistry = makeRegistry }

  /// The tools of a session; nil where it has none of its own.
  public func catalog(of session: String) -> ToolCatalog? { registry(of: session)?.catalog }

  func registry(of session: String) -> ToolRegistry? {
    guard count.load(ordering: .acquiring) > 0 else { return nil }
    return entries.withLock { $0[session]?.registry }
  }

  /// Registers tools of a session, until it ends.
  ///
  /// - Throws: `ToolsError` with code `nameTaken`.
  func register(_ provider: any ToolProvider, in session: Session) throws(ToolsError) {
    let (registry, isNew) = entries.withLock { entries -> (ToolRegistry, Bool) in
      if let entry = entries[session.id], entry.session === session {
        return (entry.registry, false)
      }
      let registry = makeRegistry()
      if entries.updateValue(Entry(session: session, registry: registry), forKey: session.id) == nil
      {
        count.add(1, ordering: .acquiringAndReleasing)
      }
      return (registry, true)
    }
    if isNew { session.whenEnded { [weak self, weak session] _ in self?.remove(session) } }
    try registry.register(provider)
  }

  private func remove(_ session: Session?) {
    guard let session else { return }
    let registry = entries.withLock { entries -> ToolRegistry? in
      guard let entry = entries[session.id], entry.session === session else { return nil }
      entries[session.id] = nil
      count.subtract(1, ordering: .acquiringAndReleasing)
      return entry.registry
    }
    for generation in registry?.generations ?? [] { registry?.remove(generation.provider.id) }
  }
}
