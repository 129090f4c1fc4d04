internal import BridgePluginABI
internal import BridgeTools
internal import Logging
internal import Synchronization
internal import Threads

/// One loading of a plugin, as the code it has in common with the host sees it: its `bridge_host`, its
/// states, and who is inside its code.
///
/// It lives as long as the process, like the `bridge_host` that the plugin keeps. Thread-safe.
// @unchecked: `table` is written once, in `init`; the rest guards itself.
final class PluginInstance: @unchecked Sendable {
  /// The file it was loaded from, for messages.
  let path: String
  let logger: Logger
  /// What the plugin is given; never freed.
  private(set) var table: UnsafePointer<bridge_host>! = nil
  /// Who sees what the plugin asks of the host; nil as a rule.
  let inspector: (any HostInspector)?
  /// What it keeps for sessions.
  let states: PluginStates

  private let refusal = Locked<String?>(nil)
  private let name = Locked("")
  /// Threads inside the plugin's code.
  private let uses = Condition()
  private let useCount = Atomic<Int>(0)

  init(
    path: String, logger: Logger, threads: ToolThreads, inspector: (any HostInspector)? = nil
  ) {
    self.path = path
    self.logger = logger
    self.inspector = inspector
    states = PluginStates(threads: threads)
    table = HostTable.make(for: self)
  }

  /// The plugin's name, once it has told it; before, its file.
  var displayName: String {
    get { name.withLock { $0.isEmpty ? path : $0 } }
    set { name.withLock { $0 = newValue } }
  }

  // MARK: Refusing

  func refuse(_ reason: String) { refusal.withLock { $0 = reason } }

  /// Why the plugin refuses, if it does; asked once.
  func takeRefusal() -> String? {
    refusal.withLock { refusal in
      defer { refusal = nil }
      return refusal
    }
  }

  // MARK: Being inside

  /// Runs code of the plugin.
  func use<Result>(_ body: () -> Result) -> Result {
    enter()
    defer { leave() }
    return body()
  }

  func enter() { useCount.add(1, ordering: .acquiring) }

  func leave() {
    if useCount.subtract(1, ordering: .releasing).newValue == 0,
      isAwaited.load(ordering: .acquiring)
    {
      uses.withLock { uses.broadcast() }
    }
  }

  /// Runs code of the plugin that the inspector, where there is one, is told of.
  func inspecting(
    _ function: PluginFunction, of call: ToolCall?, _ body: () -> bridge_status
  ) -> bridge_status {
    guard let inspector else { return body() }
    inspector.enters(function, of: call)
    let status = body()
    inspector.leaves(function, of: call, status: status)
    return status
  }

  /// The same for code that returns nothing.
  func inspecting(_ function: PluginFunction, of call: ToolCall?, _ body: () -> Void) {
    guard let inspector else { return body() }
    inspector.enters(function, of: call)
    body()
    inspector.leaves(function, of: call, status: nil)
  }

  private let isAwaited = Atomic<Bool>(false)

  /// Waits until no thread is inside the plugin's code.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  /// - Returns: Whether none is.
  func waitUntilUnused(until moment: Int64) -> Bool {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    return uses.withLock {
      while useCount.load(ordering: .acquiring) > 0 {
        let now = MonotonicClock.now
        if now >= moment { return false }
        // Looks again now and then: a thread that left just before `isAwaited` was set does not wake.
        _ = uses.wait(until: min(moment, now + 10_000_000))
      }
      return true
    }
  }

  // MARK: Telling

  /// Tells of an exception that left a callback: there is no call it could be the error of.
  func tell(_ report: PluginCode.Report, in what: String) {
    if let exception = report.exception {
      logger.error(
        "an exception left a plugin's code: \(exception)",
        metadata: ["plugin": "\(displayName)", "in": "\(what)"])
    }
    tellChanges(report.changedBits, in: what)
  }

  private let toldBits = Atomic<UInt32>(0)

  /// Whether the plugin has ever changed the signals of a thread.
  var hasChangedSignals: Bool {
    toldBits.load(ordering: .relaxed) & PluginCode.Report.costlyBits != 0
  }

  /// Tells what the plugin changed of a thread's state: each kind once.
  func tellChanges(_ bits: UInt32, in what: String) {
    guard bits != 0 else { return }
    let new = bits & ~toldBits.bitwiseOr(bits, ordering: .relaxed).oldValue
    guard new != 0 else { return }
    let words = PluginCode.Report.words(new).joined(separator: ", ")
    logger.warning(
      "a plugin has changed state of the thread it ran on, which was put back: \(words)",
      metadata: ["plugin": "\(displayName)", "in": "\(what)"])
  }
}
