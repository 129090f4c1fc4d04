internal import BridgePluginChannel
internal import BridgePluginHost
internal import BridgeSessions
internal import BridgeTools
internal import Glibc
internal import Logging
internal import Synchronization
internal import Threads

/// Loads the plugin of this process, and runs the calls that come through the channel.
///
/// All threads that have nothing to do wait for a message; whoever gets a call runs it, and makes sure that
/// somebody goes on waiting. Thread-safe.
// @unchecked: `tools` and `host` are set before there is a second thread.
final class PluginServer: @unchecked Sendable {
  private let channel: Channel
  private var host: ToolHost!
  private var plugins: PluginHost!
  private var tools: [(tool: any Tool, description: ToolDescription)] = []

  private let state = Locked(State())
  /// Threads that wait for a message.
  private let waiting = Atomic<Int>(1)
  private let lastNumber = Atomic<UInt64>(0)

  /// More threads than these do not wait: they end.
  private static let waitingLimit = 8
  /// How long a plugin may take to stop, in nanoseconds.
  private static let patience: Int64 = 10_000_000_000

  private struct State {
    var calls: [UInt64: ToolCall] = [:]
    /// Cancellations that another thread has read before the call was known: the last ones.
    var early: [(call: UInt64, reason: ToolCall.Cancellation)] = []
    var requests: [UInt64: PendingReply] = [:]
    var watches: [UInt64: RemoteWatch] = [:]
    var nested: [UInt64: NestedCall] = [:]
    var sessionEnds: [UInt64: @Sendable () -> Void] = [:]
  }

  init(_ channel: Channel) { self.channel = channel }

  /// Serves until the host is gone or wants no more.
  func run() -> Never {
    ChildSystem.enterThread()
    let buffer = Channel.Buffer()
    do {
      let first = try channel.receive(into: buffer, waits: true) { try HostMessage(&$0) }
      guard case .frame(.load(let plugin)) = first else { _exit(0) }
      load(plugin)
    } catch {
      _exit(Self.malformed)
    }
    serve()
    // Only the last threads end, with the process.
    while true { pause() }
  }

  /// EX_PROTOCOL of sysexits.h.
  private static let malformed: CInt = 76

  private func load(_ plugin: HostMessage.PluginToLoad) {
    var configuration = ToolThreads.Configuration()
    configuration.callbackThreads = plugin.callbackThreads
    let logger = Logger(label: "plugin") { _ in
      ChannelLog(self, level: plugin.logLevel)
    }
    host = ToolHost(configuration: configuration, logger: logger)
    plugins = PluginHost(tools: host, isIsolated: true)
    do throws(PluginError) {
      _ = try plugins.load(plugin.path, plugin.options)
    } catch {
      send(.refused("\(error)"))
      _exit(0)
    }
    let provider = host.registry.generations[0].provider
    tools = provider.tools.map { tool in
      var description = tool.description
      // These are the host's to see to: it holds the session.
      (description.isAtomic, description.output) = (false, nil)
      (description.reads, description.writes) = ([], [])
      return (tool, description)
    }
    send(
      .loaded(
        ChildMessage.LoadedPlugin(
          name: provider.name, version: provider.version, description: "",
          tools: provider.tools.map(\.description))))
  }

  // MARK: Messages

  private func serve() {
    let buffer = Channel.Buffer()
    while true {
      do {
        switch try channel.receive(into: buffer, waits: true, { try HostMessage(&$0) }) {
        case .frame(.call(let call)): if !take(call) { return }
        case .frame(let message): handle(message)
        case .nothing, .crash: break
        // Nobody is left who could want anything.
        case .end: _exit(0)
        }
      } catch {
        log(.error, "a message of the host cannot be read: \(error)")
        _exit(Self.malformed)
      }
    }
  }

  private func handle(_ message: HostMessage) {
    switch message {
    case .load, .call: break
    case .cancel(let number, let reason): cancel(number, reason)
    case .room(let number): state.withLock({ $0.calls[number] })?.roomIsAvailable()
    case .reply(let number, let reply):
      state.withLock { $0.requests.removeValue(forKey: number) }?.answer(reply)
    case .changes(let number, let changes):
      state.withLock({ $0.watches[number] })?.deliver(changes)
    case .nested(let number, let event):
      state.withLock({ $0.nested[number] })?.take(event)
    case .sessionEnded(let number):
      state.withLock { $0.sessionEnds.removeValue(forKey: number) }?()
    case .stop: stop()
    }
  }

  /// Sends a message; waits while the host is busy.
  func send(_ message: ChildMessage) {
    let frame = message.frame
    while true {
      guard let ready = Channel.Message(frame) else {
        // No memory for a large value: as a failed allocation.
        fatalError("there is no memory for \(frame.blobSize) bytes of a message")
      }
      switch channel.send(ready, waits: true) {
      case .sent: return
      case .full: usleep(1000)
      case .closed: _exit(0)
      }
    }
  }

  func log(_ level: Logger.Level, _ message: String) {
    send(.log(call: nil, level: level, message: message, metadata: [:]))
  }

  private func stop() {
    let isStarted = startThread(named: "plugin-stop") {
      ChildSystem.enterThread()
      _ = self.plugins.unloadAll(until: MonotonicClock.now + Self.patience)
      self.send(.stopped)
      _exit(0)
    }
    if !isStarted { _exit(0) }
  }

  // MARK: Calls

  /// Runs a call on this thread.
  ///
  /// - Returns: Whether the thread goes on: enough others may be waiting.
  private func take(_ call: HostMessage.CallToRun) -> Bool {
    // Somebody must go on: the tool may ask for something, and wait for the answer.
    if waiting.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      waiting.add(1, ordering: .acquiringAndReleasing)
      let isStarted = startThread(named: "plugin") {
        ChildSystem.enterThread()
        self.serve()
        ChildSystem.leaveThread()
      }
      guard isStarted else {
        send(.finished(call: call.number, ToolOutcome(.failure(Self.noThreads))))
        return true
      }
    }
    run(call)
    let count = waiting.add(1, ordering: .acquiringAndReleasing).newValue
    if count <= Self.waitingLimit { return true }
    waiting.subtract(1, ordering: .acquiringAndReleasing)
    return false
  }

  private static let noThreads = ToolFailure(
    code: 8, message: "the process of the plugin can have no more threads", type: "limit",
    isRetryable: true)

  private func run(_ given: HostMessage.CallToRun) {
    guard tools.indices.contains(given.tool) else {
      log(.error, "the host calls tool \(given.tool) of \(tools.count)")
      _exit(Self.malformed)
    }
    let (tool, description) = tools[given.tool]
    let number = given.number
    let call = ToolCall(
      of: description,
      ToolCall.Request(
        arguments: Arguments(checked: given.arguments), metadata: given.metadata,
        deadline: given.deadline, isStreaming: given.isStreaming, depth: given.depth),
      services: ChannelServices(
        self, call: number, sessionID: given.sessionID, sessionEpoch: given.sessionEpoch,
        threads: host.threads),
      threads: host.threads, observer: ChannelObserver(self, call: number))
    let reason = state.withLock { state -> ToolCall.Cancellation? in
      state.calls[number] = call
      guard let index = state.early.firstIndex(where: { $0.call == number }) else { return nil }
      return state.early.remove(at: index).reason
    }
    if let reason { call.cancel(reason) }
    ChildSystem.working(for: number) { call.run(tool) }
    if state.withLock({ $0.calls[number] != nil }) { send(.returned(call: number)) }
  }

  fileprivate func finished(_ number: UInt64, _ outcome: ToolOutcome) {
    state.withLock { $0.calls[number] = nil }
    send(.finished(call: number, outcome))
  }

  private func cancel(_ number: UInt64, _ reason: ToolCall.Cancellation) {
    let call = state.withLock { state -> ToolCall? in
      if let call = state.calls[number] { return call }
      // It has ended, or is about to be known.
      state.early.append((number, reason))
      if state.early.count > 1024 { state.early.removeFirst() }
      return nil
    }
    call?.cancel(reason)
  }

  // MARK: What tools ask for

  /// A number for a request, a watch or a call of another tool.
  func nextNumber() -> UInt64 { lastNumber.add(1, ordering: .relaxed).newValue }

  /// Asks the host, and waits for the answer.
  func ask(_ request: ServiceRequest, of call: UInt64, as number: UInt64) -> ServiceReply {
    let pending = PendingReply()
    state.withLock { $0.requests[number] = pending }
    send(.request(number, call: call, request))
    return pending.wait()
  }

  func keep(_ watch: RemoteWatch, as number: UInt64) {
    state.withLock { $0.watches[number] = watch }
  }

  func forgetWatch(_ number: UInt64) { state.withLock { $0.watches[number] = nil } }

  func keep(_ call: NestedCall, as number: UInt64) {
    state.withLock { $0.nested[number] = call }
  }

  func forgetNested(_ number: UInt64) { state.withLock { $0.nested[number] = nil } }

  func keepSessionEnd(_ body: @escaping @Sendable () -> Void, as number: UInt64) {
    state.withLock { $0.sessionEnds[number] = body }
  }
}

/// Tells the host of a call.
private final class ChannelObserver: ToolCallObserver {
  private let server: PluginServer
  private let number: UInt64

  init(_ server: PluginServer, call number: UInt64) {
    self.server = server
    self.number = number
  }

  func emitted(_ chunk: ToolValue) -> Bool {
    server.send(.chunk(call: number, chunk))
    return false
  }

  func progressed(_ fraction: Double, _ message: String) {
    server.send(.progress(call: number, fraction, message))
  }

  func finished(_ outcome: ToolOutcome) { server.finished(number, outcome) }
}

/// A thread that waits for an answer of the host.
private final class PendingReply: Sendable {
  private let condition = Condition()
  private let reply = Locked<ServiceReply?>(nil)

  func answer(_ reply: ServiceReply) {
    condition.withLock {
      self.reply.withLock { $0 = reply }
      condition.signal()
    }
  }

  func wait() -> ServiceReply {
    condition.withLock {
      while true {
        if let reply = reply.withLock({ $0 }) { return reply }
        condition.wait()
      }
    }
  }
}
