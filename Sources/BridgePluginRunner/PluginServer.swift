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
/// Thread-safe.
// @unchecked: `tools`, `host` and `threads` are set before there is a second thread.
final class PluginServer: ServingThreads.Work, @unchecked Sendable {
  private let channel: Channel
  private let outbox = Locked(Outbox())
  private var threads: ServingThreads!
  private var host: ToolHost!
  private var plugins: PluginHost!
  private var tools: [ServedTool] = []

  private let state = Locked(State())
  private let lastNumber = Atomic<UInt64>(0)

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

  /// A tool, and how long its calls take.
  private final class ServedTool: Sendable {
    let tool: any Tool
    let description: ToolDescription
    /// Nanoseconds, of the last calls more than of those before.
    let time = Atomic<Int64>(.max)

    init(_ tool: any Tool, _ description: ToolDescription) {
      self.tool = tool
      self.description = description
    }
  }

  /// Calls of tools that take less, in nanoseconds, run one after another.
  private static let quickTime: Int64 = 30_000
  /// So much does not wait for more to be sent with it, in bytes.
  private static let outboxLimit = 32 * 1024

  init(_ channel: Channel) {
    self.channel = channel
    threads = ServingThreads(self)
  }

  /// From now on a crash is told to the host.
  func installCrashHandler() {
    outbox.withLock { ChildSystem.installCrashHandler(on: channel, $0) }
  }

  /// Serves until the host is gone or wants no more.
  func run() -> Never {
    ChildSystem.enterThread()
    let buffer = Channel.Buffer()
    do {
      var plugin: HostMessage.PluginToLoad?
      let received = try channel.receive(into: buffer, waits: true) {
        guard plugin == nil, case .load(let new) = try HostMessage(&$0) else {
          _exit(Self.malformed)
        }
        plugin = new
      }
      guard case .frames = received, let plugin else { _exit(0) }
      var files: [(name: String, path: String, descriptor: CInt)] = []
      for file in plugin.files {
        guard let number = try channel.receiveFile(into: buffer) else { _exit(0) }
        files.append((file.name, file.path, number))
      }
      load(plugin, files.isEmpty ? nil : PluginFiles(received: files))
    } catch {
      _exit(Self.malformed)
    }
    threads.serve()
    // Only the last threads end, with the process.
    while true { pause() }
  }

  /// EX_PROTOCOL of sysexits.h.
  private static let malformed: CInt = 76

  private func load(_ plugin: HostMessage.PluginToLoad, _ files: PluginFiles?) {
    var configuration = ToolThreads.Configuration()
    configuration.callbackThreads = plugin.callbackThreads
    let logger = Logger(label: "plugin") { _ in
      ChannelLog(self, level: plugin.logLevel)
    }
    host = ToolHost(configuration: configuration, logger: logger)
    plugins = PluginHost(tools: host, isIsolated: true)
    do throws(PluginError) {
      if let files {
        try register(plugins.open(files, as: plugin.path, plugin.options))
      } else {
        _ = try plugins.load(plugin.path, plugin.options)
      }
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
      return ServedTool(tool, description)
    }
    send(
      .loaded(
        ChildMessage.LoadedPlugin(
          name: provider.name, version: provider.version, description: provider.summary,
          tools: provider.tools.map(\.description))))
  }

  private func register(_ provider: any ToolProvider) throws(PluginError) {
    do {
      try host.registry.register(provider)
    } catch {
      throw PluginError(registering: provider.id, error)
    }
  }

  // MARK: Messages

  func receive(into buffer: borrowing Channel.Buffer) {
    var calls: [HostMessage.CallToRun] = []
    do {
      let received = try channel.receive(into: buffer, waits: true) {
        let message = try HostMessage(&$0)
        if case .call(let call) = message { calls.append(call) } else { handle(message) }
      }
      // Nobody is left who could want anything.
      if received == .end { _exit(0) }
    } catch {
      log(.error, "a message of the host cannot be read: \(error)")
      _exit(Self.malformed)
    }
    if !calls.isEmpty { threads.append(calls) }
  }

  private func handle(_ message: HostMessage) {
    switch message {
    case .load, .call: break
    case .cancel(let number, let reason): cancel(number, reason)
    case .room(let number): state.withLock({ $0.calls[number] })?.roomIsAvailable()
    case .reply(let number, let reply):
      state.withLock { $0.requests.removeValue(forKey: number) }?.take(reply)
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
  ///
  /// - Parameter withOthers: Whether it may wait for what this thread is going to send, or does next.
  func send(_ message: ChildMessage, withOthers: Bool = false) {
    let frame = message.frame
    threads.apart {
      outbox.withLock { outbox in
        guard outbox.append(frame, lending: channel.memory) else {
          // No memory for a large value: as a failed allocation.
          fatalError("there is no memory for \(frame.blobSize) bytes of a message")
        }
        if !withOthers || outbox.count > Self.outboxLimit { send(&outbox) }
      }
    }
  }

  func flush() { outbox.withLock { send(&$0) } }

  private func send(_ outbox: inout Outbox) {
    while true {
      switch outbox.send(on: channel, waits: true) {
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

  func isQuick(_ call: HostMessage.CallToRun) -> Bool {
    !call.isStreaming && served(call).time.load(ordering: .relaxed) < Self.quickTime
  }

  func took(_ time: Int64, _ call: HostMessage.CallToRun) {
    let served = served(call)
    let before = served.time.load(ordering: .relaxed)
    let mean = before == .max ? time : before + (time - before) / 8
    served.time.store(mean, ordering: .relaxed)
  }

  func refuse(_ call: HostMessage.CallToRun) {
    send(.finished(call: call.number, ToolOutcome(.failure(Self.noThreads))))
  }

  private static let noThreads = ToolFailure(
    code: 8, message: "the process of the plugin can have no more threads", type: "limit",
    isRetryable: true)

  private func served(_ call: HostMessage.CallToRun) -> ServedTool {
    guard tools.indices.contains(call.tool) else {
      log(.error, "the host calls tool \(call.tool) of \(tools.count)")
      _exit(Self.malformed)
    }
    return tools[call.tool]
  }

  func run(_ given: HostMessage.CallToRun) {
    let served = served(given)
    let number = given.number
    let call = ToolCall(
      of: served.description,
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
    ChildSystem.working(for: number) { call.run(served.tool) }
    if state.withLock({ $0.calls[number] != nil }) { send(.returned(call: number)) }
  }

  fileprivate func finished(_ number: UInt64, _ outcome: ToolOutcome) {
    state.withLock { $0.calls[number] = nil }
    // The next call may end at once, too.
    let hasNext = threads.hasPending && threads.isOwnThread
    send(.finished(call: number, outcome), withOthers: hasNext)
  }

  /// The calling thread is about to wait for something that comes through the channel.
  func willWait() { threads.handOver() }

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
    return threads.wait(take: { pending.answer }, orWait: { pending.wait() })
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
    // The next chunk waits for room.
    server.willWait()
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

  /// The answer, if it has come.
  var answer: ServiceReply? { reply.withLock(\.self) }

  func take(_ answer: ServiceReply) {
    condition.withLock {
      reply.withLock { $0 = answer }
      condition.signal()
    }
  }

  func wait() -> ServiceReply {
    condition.withLock {
      while true {
        if let answer { return answer }
        condition.wait()
      }
    }
  }
}
