internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Threads

/// A value made of files, and made anew when they change.
///
/// Files that have become wrong are logged; then the value stays as it was, or becomes what is said
/// to stand for it. Thread-safe.
final class WatchedFiles<Value: Sendable>: Sendable {
  private struct State {
    var value: Value
    /// What the files were when they were last read, whether or not a value came of it.
    var read: [SettingsFile.Stamp?]
    /// What they were at the last look, while they differ from what was read.
    var changing: [SettingsFile.Stamp?]?
    /// No value came of the last reading: what stands in the way may go without changing the files.
    var isWrong = false
  }

  private let paths: [String]
  private let kind: String
  private let logger: Logger
  private let load: @Sendable () throws(TransportError) -> Value
  private let substitute: (@Sendable () -> Value)?
  private let state: Locked<State>
  private let isLooking = Atomic<Bool>(false)

  /// A change is taken over after two looks have found the same.
  private static var interval: TimeAmount { .seconds(1) }

  /// Reads the files for the first time.
  ///
  /// - Parameters:
  ///   - kind: What the value is, for the log: "certificate", "tokens".
  ///   - substitute: Makes the value when files that were right have become wrong; nil keeps the old.
  init(
    _ paths: [String], kind: String, logger: Logger, substitute: (@Sendable () -> Value)? = nil,
    load: @escaping @Sendable () throws(TransportError) -> Value
  ) throws(TransportError) {
    self.paths = paths
    self.kind = kind
    self.logger = logger
    self.substitute = substitute
    self.load = load
    // Before reading: what is written meanwhile is then a change.
    let stamps = paths.map { SettingsFile.Stamp($0) }
    self.state = Locked(State(value: try load(), read: stamps, changing: nil))
  }

  /// The value of now. `[any thread]`
  var value: Value { state.withLock { $0.value } }

  /// Looks at the files from now on, for as long as the event loop lives.
  ///
  /// Only the timer is the loop's: a slow disk must not hold up connections.
  func watch(on eventLoop: any EventLoop) {
    eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
      if self.isLooking.exchange(true, ordering: .acquiring) { return }
      NIOThreadPool.singleton.submit { _ in
        self.look()
        self.isLooking.store(false, ordering: .releasing)
      }
    }
  }

  /// Takes over a change once the files have come to rest: a certificate and its key are seldom
  /// replaced in the same instant.
  func look() {
    let now = paths.map { SettingsFile.Stamp($0) }
    let (isDue, isNew) = state.withLock { state in
      guard now != state.read else {
        state.changing = nil
        return (state.isWrong, false)
      }
      guard now == state.changing else {
        state.changing = now
        return (false, false)
      }
      state.read = now
      state.changing = nil
      return (true, true)
    }
    guard isDue else { return }
    do throws(TransportError) {
      let value = try load()
      state.withLock { state in
        state.value = value
        state.isWrong = false
      }
      logger.info("\(kind) reloaded", metadata: ["files": "\(paths.joined(separator: ", "))"])
    } catch {
      let value = substitute?()
      state.withLock { state in
        if let value { state.value = value }
        state.isWrong = true
      }
      guard isNew else { return }
      let consequence = value == nil ? "the old stays" : "what it does not say is over"
      logger.error("\(kind) not reloaded, \(consequence)", metadata: ["error": "\(error)"])
    }
  }
}
