internal import BridgePluginABI
internal import BridgeTools
internal import Threads

/// What a plugin keeps for sessions. Thread-safe.
final class PluginStates: Sendable {
  private let threads: ToolThreads
  private let states = Locked<[Key: PluginState]>([:])

  /// - Parameter threads: Those that call the plugin to release something.
  init(threads: ToolThreads) { self.threads = threads }

  /// A session: of two with one id, one after the other, the epochs differ.
  private struct Key: Hashable {
    let id: String
    let epoch: String

    init(_ services: any CallServices) {
      id = services.sessionID
      epoch = services.sessionEpoch
    }
  }

  /// What is kept for a call's session.
  subscript(services: any CallServices) -> PluginState? {
    let key = Key(services)
    return states.withLock { $0[key] }
  }

  /// Keeps something for a call's session, unless something is kept already.
  ///
  /// - Returns: What is kept now, and whether it is this.
  func keep(
    _ value: UnsafeMutableRawPointer?, _ release: bridge_release?, for services: any CallServices
  ) -> (state: PluginState, isNew: Bool) {
    let key = Key(services)
    let new = PluginState(value, release)
    let kept = states.withLock { states in
      if let other = states[key] { return other }
      states[key] = new
      return new
    }
    guard kept === new else {
      // It stays the caller's.
      new.abandon()
      return (kept, false)
    }
    // At once, when it has ended: then this call has the last reference.
    services.whenSessionEnds { [weak self] in
      guard let old = self?.states.withLock({ $0.removeValue(forKey: key) }) else { return }
      // Elsewhere: it may be the last reference, which calls the plugin, and this an event loop.
      self?.threads.deliver { withExtendedLifetime(old) {} }
    }
    return (new, true)
  }

  /// Lets go of everything.
  func removeAll() {
    let old = states.withLock { states in
      defer { states = [:] }
      return states
    }
    withExtendedLifetime(old) {}
  }

  var count: Int { states.withLock(\.count) }
}

/// Something that a plugin keeps for a session: released when the session has ended and no call has it any
/// more.
// @unchecked: the pointer is the plugin's, which promises that any thread may use it; `isKept` is written
// before others see this.
final class PluginState: @unchecked Sendable {
  let value: UnsafeMutableRawPointer?
  private let release: bridge_release?
  private var isKept = true

  fileprivate init(_ value: UnsafeMutableRawPointer?, _ release: bridge_release?) {
    self.value = value
    self.release = release
  }

  deinit {
    if isKept, let release { PluginCode.release(release, value) }
  }

  fileprivate func abandon() { isKept = false }
}
