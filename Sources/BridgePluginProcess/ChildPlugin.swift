package import BridgePluginChannel
package import BridgeTools
package import Logging
internal import Glibc
internal import Synchronization
internal import Threads

/// A plugin that runs in processes of its own.
///
/// One process serves all its calls, or each call has a fresh one. A process that ends is replaced; calls
/// that were in it fail, and others wait for the next one. Thread-safe.
package final class ChildPlugin: ToolProvider, ChildOwner {
  /// How a plugin runs in processes.
  package struct Configuration: Sendable {
    /// What whoever serves it says of it.
    package var options = LoadOptions()
    /// Whether each call has a process of its own.
    package var isPerCall = false
    /// What each process may take.
    package var limits = ResourceLimits()
    /// What a call that must end has left before its process is ended, in nanoseconds.
    package var grace: Int64 = 5_000_000_000
    /// Calls that run at once in a process; others wait.
    package var calls = 64
    /// Calls that may wait.
    package var waitingCalls = 10_000
    /// How long a process may take until the plugin has started, in nanoseconds.
    package var startTime: Int64 = 30_000_000_000
    /// Hears of it once should the plugin be taken out of service, and why. On any thread.
    package var whenQuarantined: (@Sendable (ChildPlugin, _ reason: String) -> Void)?

    /// One process for all calls, and the defaults.
    package init() {}
  }

  /// Copies of a plugin's files, from which each of its processes loads it.
  package struct Files: Sendable {
    fileprivate let list: [HostMessage.PluginToLoad.File]
    fileprivate let descriptors: [CInt]
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - files: What each is looked for as, its path without links, and its descriptor. The first is the
    ///     plugin's.
    ///   - owner: The descriptors are open for as long as it lives.
    package init(
      _ files: [(name: String, path: String, descriptor: CInt)],
      ownedBy owner: any AnyObject & Sendable
    ) {
      list = files.map { .init(name: $0.name, path: $0.path) }
      descriptors = files.map(\.descriptor)
      self.owner = owner
    }
  }

  /// Whether a plugin serves.
  package enum Service: Sendable, Equatable {
    case starting
    case serving
    /// Its process has ended, and the next one comes.
    case restarting
    /// It keeps crashing, and no process is started any more: why.
    case quarantined(String)
    case stopped
  }

  /// What it is registered as.
  package let id: String
  /// As the plugin says.
  package let name: String
  /// As the plugin says.
  package let version: String
  /// As the plugin says.
  package let summary: String
  /// They forward their calls.
  package let tools: [any Tool]

  private let source: Source
  private let runner: PluginRunner
  private let configuration: Configuration
  private let logger: Logger
  private let state: Locked<State>
  private let lastCall = Atomic<UInt64>(0)
  private let hasChanged = Condition()

  private struct State {
    var service = Service.serving
    /// Processes that have loaded the plugin. With one a call, those that wait for one.
    var ready: [Child] = []
    /// Processes that have not loaded it yet.
    var starting: [ObjectIdentifier: Child] = [:]
    /// Processes that have a call of their own.
    var used: [ObjectIdentifier: Child] = [:]
    /// Calls that wait for a process, and how many run.
    var queue: FairQueue<ChildCall>
    var policy = RestartPolicy()
    var crashes = 0
    var isRetired = false
    var lastEnd: ChildEnd?

    init(places: Int) { queue = FairQueue(places: places) }
  }

  /// Spare processes that wait for a call, where each call has one.
  private static let spares = 2

  // MARK: Loading

  /// What is loaded: a file, or copies.
  private struct Source {
    let path: String
    let files: Files?
  }

  /// Starts a process, has it load a plugin, and waits for that.
  ///
  /// - Parameters:
  ///   - path: Of a `.so` or a manifest, without links.
  ///   - files: Copies to load instead; nil where each process reads the file as it is then.
  ///   - id: What the plugin will be registered as; nil takes its path.
  /// - Throws: `ToolFailure`: the plugin refuses, or its process crashes or takes too long.
  package static func load(
    _ path: String, _ configuration: Configuration, from files: Files? = nil, as id: String? = nil,
    by runner: PluginRunner, logger: Logger
  ) throws(ToolFailure) -> ChildPlugin {
    let first = FirstLoad(logger: logger)
    let source = Source(path: path, files: files)
    let child = try Self.start(
      source, configuration, by: runner, owner: first, logger: logger
    ).get()
    let loaded = try first.wait(path)
    let plugin = ChildPlugin(
      source, as: id ?? path, loaded, configuration, by: runner, logger: logger)
    plugin.adopt(child)
    first.handOver(to: plugin)
    return plugin
  }

  private static func start(
    _ source: Source, _ configuration: Configuration, by runner: PluginRunner,
    owner: any ChildOwner, logger: Logger
  ) -> Result<Child, ToolFailure> {
    Child.start(
      HostMessage.PluginToLoad(
        path: source.path, files: source.files?.list ?? [], configuration.options,
        logLevel: logger.logLevel),
      files: source.files?.descriptors ?? [], configuration.limits,
      startTime: configuration.startTime, grace: configuration.grace, by: runner, owner: owner)
  }

  private init(
    _ source: Source, as id: String, _ loaded: ChildMessage.LoadedPlugin,
    _ configuration: Configuration, by runner: PluginRunner, logger: Logger
  ) {
    self.source = source
    self.id = id
    name = loaded.name
    version = loaded.version
    summary = loaded.description
    self.configuration = configuration
    self.runner = runner
    self.logger = logger
    state = Locked(State(places: configuration.calls))
    let place = PluginPlace()
    tools = loaded.tools.enumerated().map { ChildTool($1, index: $0, of: place) }
    place.plugin = self
  }

  private func adopt(_ child: Child) {
    state.withLock { $0.ready.append(child) }
    if configuration.isPerCall { startSpares() }
  }

  // MARK: Calls

  func run(_ call: ToolCall, tool: Int) {
    let number = lastCall.add(1, ordering: .relaxed).newValue
    let new = ChildCall(call, number: number, tool: tool)
    enum Step {
      case run(Child)
      case wait
      case refuse(ToolFailure)
    }
    let step = state.withLock { state -> Step in
      switch state.service {
      case .quarantined(let reason): return .refuse(quarantined(reason))
      case .stopped: return .refuse(stopped)
      case .starting, .serving, .restarting: break
      }
      let owner = call.request.client
      // A call that another one waits for never waits for its place.
      let isUrgent = call.request.depth > 0
      if let child = state.ready.first, state.queue.take(owner, isUrgent: isUrgent) {
        use(child, &state)
        return .run(child)
      }
      guard mayWait(owner, state) else { return .refuse(busy) }
      if isHopeless(call, state) { return .refuse(hopeless(call)) }
      state.queue.append(new, of: owner)
      return .wait
    }
    switch step {
    case .run(let child):
      new.listen()
      start(new, in: child)
    case .wait:
      new.listen()
      if configuration.isPerCall { startSpares() }
    case .refuse(let failure): call.finish(.failure(failure))
    }
  }

  /// A call goes to a process. Under the lock.
  private func use(_ child: Child, _ state: inout State) {
    guard configuration.isPerCall else { return }
    state.ready.removeAll { $0 === child }
    state.used[ObjectIdentifier(child)] = child
  }

  private func start(_ call: ChildCall, in child: Child) {
    if call.begin(in: child) {
      if child.start(call) {
        // A cancellation that came before the process had the call has found nothing there.
        if let reason = call.call.cancellation { child.cancel(call.number, reason) }
        if configuration.isPerCall { startSpares() }
        return
      }
      // The process has ended just now: the next one takes it.
      call.waitAgain()
      state.withLock { $0.queue.append(call, of: call.call.request.client) }
    } else {
      // What came before its turn has ended it, or does now.
      let reason = call.call.cancellation ?? .cancelled
      call.finish(.failure(ToolFailure(reason, tool: call.call.tool.name)))
    }
    giveBackPlace(of: child, call)
  }

  /// A call has not gone to the process that it had a place in.
  private func giveBackPlace(of child: Child, _ call: ChildCall) {
    state.withLock { state in
      state.queue.leave(call.call.request.client)
      if state.used.removeValue(forKey: ObjectIdentifier(child)) != nil && !child.hasEnded {
        state.ready.append(child)
      }
    }
    startWaiting()
  }

  /// Starts calls that wait, as far as there is room.
  private func startWaiting() {
    while true {
      let next = state.withLock { state -> (ChildCall, Child)? in
        // One that has ended is taken out of the list soon.
        guard case .serving = state.service, let child = state.ready.first(where: { !$0.hasEnded }),
          let call = state.queue.popFirst()
        else { return nil }
        use(child, &state)
        return (call, child)
      }
      guard let (call, child) = next else { return }
      start(call, in: child)
    }
  }

  // MARK: Processes

  /// Starts processes until enough wait for a call, or one serves all.
  private func startSpares() {
    let count = state.withLock { state -> Int in
      guard !state.isRetired else { return 0 }
      if case .quarantined = state.service { return 0 }
      let wanted =
        configuration.isPerCall
        ? min(Self.spares + state.queue.count, configuration.calls) : 1
      let room = configuration.isPerCall ? configuration.calls - state.used.count : 1
      return min(wanted, room) - state.ready.count - state.starting.count
    }
    guard count > 0 else { return }
    for _ in 0..<count { startProcess() }
  }

  private func startProcess() {
    switch Self.start(source, configuration, by: runner, owner: self, logger: logger) {
    case .success(let child):
      state.withLock { state in
        // It may have loaded or ended already.
        let isKnown = state.ready.contains { $0 === child }
        if !isKnown && !child.hasEnded { state.starting[ObjectIdentifier(child)] = child }
      }
    case .failure(let failure): processEnded(.failed(failure.message), isCrash: true)
    }
  }

  func loaded(_ plugin: ChildMessage.LoadedPlugin, by child: Child) {
    let isSame = plugin.name == name && plugin.tools.map(\.name) == tools.map(\.description.name)
    guard isSame else {
      return child.kill(
        "the file has changed: it brings other tools than the ones that are registered")
    }
    let isWanted = state.withLock { state -> Bool in
      state.starting[ObjectIdentifier(child)] = nil
      if state.isRetired { return false }
      state.ready.append(child)
      if state.service == .restarting { state.service = .serving }
      return true
    }
    guard isWanted else { return child.stop() }
    hasChanged.withLock { hasChanged.broadcast() }
    startWaiting()
  }

  func refused(_ reason: String, by child: Child) {
    logger.error(
      "a plugin refuses to be loaded again", metadata: ["plugin": "\(name)", "reason": "\(reason)"])
  }

  func returned(_ call: ChildCall, hasEnded: Bool, in child: Child) {
    guard configuration.isPerCall else {
      let time = call.time
      state.withLock { $0.queue.leave(call.call.request.client, after: time) }
      return startWaiting()
    }
    if hasEnded { finished(call, in: child) }
  }

  func finished(_ call: ChildCall, in child: Child) {
    guard configuration.isPerCall else { return }
    // One call a process: what it has left behind ends with it.
    let time = call.time
    state.withLock { state in
      state.queue.leave(call.call.request.client, after: time)
      state.used[ObjectIdentifier(child)] = nil
    }
    child.discard()
    startSpares()
    startWaiting()
  }

  func log(_ level: Logger.Level, _ message: String, _ metadata: [String: String]) {
    var all: Logger.Metadata = ["plugin": "\(name)"]
    for (key, value) in metadata { all[key] = "\(value)" }
    logger.log(level: level, "\(message)", metadata: all)
  }

  func ended(_ end: ChildEnd, calls: [ChildCall], child: Child?) {
    state.withLock { state in
      // The first one may have ended before it was known.
      state.ready.removeAll { $0 === child || $0.hasEnded }
      if let child {
        state.starting[ObjectIdentifier(child)] = nil
        state.used[ObjectIdentifier(child)] = nil
      }
      state.lastEnd = end
      for call in calls where call.returned() || configuration.isPerCall {
        state.queue.leave(call.call.request.client)
      }
    }
    let culprit: ChildCall? =
      if case .crashed(let record) = end { calls.first { $0.number == record.call } } else { nil }
    if end.isCrash { tellCrash(end, calls: calls.count, culprit: culprit?.call.tool.name) }
    processEnded(end, isCrash: end.isCrash)
    for call in calls {
      call.finish(
        .failure(
          end.failure(
            plugin: name, tool: call.call.tool.name, culprit: culprit?.call.tool.name,
            isCulprit: culprit === call)))
    }
  }

  private func tellCrash(_ end: ChildEnd, calls: Int, culprit: String?) {
    var metadata: Logger.Metadata = ["plugin": "\(name)", "calls": "\(calls)"]
    if let culprit { metadata["tool"] = "\(culprit)" }
    if case .crashed(let record) = end, !record.stack.isEmpty {
      metadata["backtrace"] = "\(record.stack.joined(separator: " < "))"
    }
    logger.error("the process of a plugin \(end.words)", metadata: metadata)
  }

  /// Decides what follows the end of a process.
  private func processEnded(_ end: ChildEnd, isCrash: Bool) {
    enum Step {
      case nothing
      case restart(after: Int64)
      case fail([ChildCall], ToolFailure, reason: String)
    }
    let step = state.withLock { state -> Step in
      if state.isRetired { return .nothing }
      guard isCrash else { return .restart(after: 0) }
      state.crashes += 1
      let now = MonotonicClock.now
      switch end.isFromOutside ? state.policy.killed(at: now) : state.policy.crashed(at: now) {
      case .restart(let delay):
        if state.ready.isEmpty { state.service = .restarting }
        return .restart(after: delay)
      case .quarantine:
        let reason = "its process \(end.words), the \(state.policy.crashes)th time in a row"
        state.service = .quarantined(reason)
        return .fail(state.queue.removeAll(), quarantined(reason), reason: reason)
      }
    }
    switch step {
    case .nothing: break
    case .restart(let delay): restart(after: delay)
    case .fail(let calls, let failure, let reason):
      logger.error(
        "a plugin keeps crashing and is taken out of service",
        metadata: ["plugin": "\(name)"])
      for call in calls { call.finish(.failure(failure)) }
      configuration.whenQuarantined?(self, reason)
    }
    hasChanged.withLock { hasChanged.broadcast() }
  }

  private func restart(after delay: Int64) {
    if delay == 0 { return startSpares() }
    logger.notice(
      "a plugin's process starts again",
      metadata: ["plugin": "\(name)", "after_ms": "\(delay / 1_000_000)"])
    let isStarted = startThread(named: "plugin-restart") { [weak self] in
      usleep(useconds_t(delay / 1000))
      self?.startSpares()
    }
    if !isStarted { startSpares() }
  }

  // MARK: Service

  /// Whether it serves, for lists.
  package var service: Service { state.withLock(\.service) }

  /// How often its process has crashed.
  package var crashCount: Int { state.withLock(\.crashes) }

  /// The processes it has.
  package var processes: [Int32] {
    state.withLock { state in
      (state.ready + state.used.values + state.starting.values).compactMap(\.process)
    }
  }

  /// Has the plugin stop and its processes end.
  package func retire() {
    let (children, waiting) = state.withLock { state in
      state.isRetired = true
      state.service = .stopped
      return (
        state.ready + state.starting.values + state.used.values, state.queue.removeAll()
      )
    }
    for call in waiting { call.finish(.failure(stopped)) }
    for child in children { child.stop() }
  }

  /// Waits until all its processes have ended.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  package func waitUntilStopped(until moment: Int64) -> Bool {
    hasChanged.withLock {
      while state.withLock({ !($0.ready.isEmpty && $0.starting.isEmpty && $0.used.isEmpty) }) {
        if !hasChanged.wait(until: moment) { return false }
      }
      return true
    }
  }

  // MARK: Failures

  private func quarantined(_ reason: String) -> ToolFailure {
    ToolFailure(
      code: 14, message: "plugin \(name) is out of service: \(reason)", type: "plugin_quarantined")
  }

  private var stopped: ToolFailure { Self.removed(name) }

  static func removed(_ name: String) -> ToolFailure {
    ToolFailure(
      code: 14, message: "plugin \(name) was removed", type: "plugin_removed", isRetryable: true)
  }

  private var busy: ToolFailure {
    ToolFailure(code: 8, message: busyMessage, type: "limit", isRetryable: true)
  }

  private var busyMessage: String {
    "too many calls wait for plugin \(name), of which \(configuration.calls) run at once and one client has "
      + "\(FairQueue<ChildCall>.share(of: configuration.calls)) at most; try again later"
  }

  /// Whether one more call of a client's may wait. Under the lock.
  private func mayWait(_ owner: UInt64?, _ state: State) -> Bool {
    state.queue.count < configuration.waitingCalls
      && state.queue.count(of: owner)
        < FairQueue<ChildCall>.share(of: configuration.waitingCalls)
  }

  /// Whether the place of one more call would surely come after its deadline. Under the lock.
  private func isHopeless(_ call: ToolCall, _ state: State) -> Bool {
    guard let deadline = call.request.deadline, call.request.depth == 0 else { return false }
    return state.queue.isHopeless(deadline, of: call.request.client) {
      ($0.call.isWanted, $0.call.request.deadline)
    }
  }

  private func hopeless(_ call: ToolCall) -> ToolFailure {
    ToolFailure(code: 4, message: ToolsError.hopeless(call).message, type: "deadline_hopeless")
  }

  /// As of `Tool`.
  func refusal(of call: ToolCall) -> ToolsError? {
    // A call that has a place does not wait; whether this one would is seen when it comes.
    state.withLock { state -> ToolsError? in
      if state.queue.count == 0 { return nil }
      if !mayWait(call.request.client, state) {
        return ToolsError(
          .limitReached, busyMessage, details: ["limit": "\(configuration.waitingCalls)"],
          isTransient: true)
      }
      return isHopeless(call, state) ? .hopeless(call) : nil
    }
  }
}

/// Where tools find their plugin, which is made after them.
// @unchecked: it is set once, before anybody calls.
final class PluginPlace: @unchecked Sendable {
  weak var plugin: ChildPlugin?
}

/// A tool of a plugin that runs in processes of its own.
final class ChildTool: Tool {
  let description: ToolDescription
  private let index: Int
  private let place: PluginPlace

  init(_ description: ToolDescription, index: Int, of place: PluginPlace) {
    var description = description
    description.execution = .forwarded
    self.description = description
    self.index = index
    self.place = place
  }

  func refusal(of call: ToolCall) -> ToolsError? { place.plugin?.refusal(of: call) }

  func run(_ call: ToolCall) {
    guard let plugin = place.plugin else {
      return call.finish(.failure(ChildPlugin.removed(description.plugin)))
    }
    plugin.run(call, tool: index)
  }
}
