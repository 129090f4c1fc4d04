#if DEBUG || FUZZ
  internal import BridgePluginChannel
  internal import BridgeSessions
  internal import Logging
  internal import Threads
  internal import TrustedFiles

  @testable internal import BridgePluginProcess
  @testable internal import BridgeTools

  /// The host's side of a plugin's channel, with two calls under way, and what the plugin's process says.
  struct ChildTrial {
    func run(_ input: [UInt8]) throws(FuzzFailure) {
      try tryChildMessages(input)
      let session = try succeeding { try SessionStore().create("s") }
      _ = try succeeding {
        try session.register(
          name: "v", type: .float, payload: Payload(.float(1)), writer: Writer(.elixir))
      }
      guard let (ours, theirs) = Channel.pair() else { preconditionFailure("no more descriptors") }
      let other = Channel(FileDescriptor(owning: theirs))
      let owner = Owner()
      let child = Child(
        ours, FileDescriptor(owning: ChildSystem.makeEvent()), grace: 1_000_000_000,
        by: Self.runner, owner: owner)
      let ends = [Ends(), Ends()]
      for (index, end) in ends.enumerated() {
        let call = try succeeding { try Self.call(in: session, observer: end) }
        let new = ChildCall(call, number: UInt64(index + 1), tool: 0)
        new.listen()
        let begins = new.begin(in: child) && child.start(new)
        try require(begins)
      }
      ChannelInput(input).send(on: other)
      // The messages are read nevertheless.
      child.processEnded(0)
      child.run()
      for end in ends {
        try require(end.count == 1, "a call ends \(end.count) times")
      }
      try require(owner.endCount == 1, "the process ends \(owner.endCount) times")
      try require(child.hasEnded)
    }

    private static let runner = PluginRunner(
      path: "/nonexistent", version: "", logger: quiet)
    private static let quiet = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

    private static let host: ToolHost = {
      let host = ToolHost(logger: quiet)
      do { try host.registry.register(Provider()) } catch { preconditionFailure("\(error)") }
      return host
    }()

    private static func call(in session: Session, observer: Ends) throws -> ToolCall {
      let registered = try host.registry.admit("caller").registered
      return ToolCall(
        of: registered.description,
        ToolCall.Request(
          arguments: Arguments(checked: []), metadata: ["k": "v"],
          deadline: MonotonicClock.now + 3_600_000_000_000, isStreaming: true),
        services: SessionServices(
          session: session, tool: RunningTool(registered: registered, host: host)),
        threads: host.threads, observer: observer)
    }

    /// Hears of the calls of the trial, and uses what they bring as a service does.
    private final class Ends: ToolCallObserver {
      private let ends = Locked(0)

      var count: Int { ends.withLock(\.self) }

      func emitted(_ chunk: ToolValue) -> Bool {
        use(chunk)
        return true
      }

      func progressed(_ fraction: Double, _ message: String) {
        precondition((0...1).contains(fraction))
      }

      func finished(_ outcome: ToolOutcome) {
        ends.withLock { $0 += 1 }
        if case .success(let value) = outcome.result { use(value) }
        _ = outcome.binaryResult?.bytes
      }

      private func use(_ value: ToolValue) {
        guard case .value(let value, let type) = value.owned else { return }
        _ = value.json(as: type)
        _ = Payload(value)
      }
    }

    /// Owns the process.
    private final class Owner: ChildOwner {
      private let ends = Locked(0)

      var endCount: Int { ends.withLock(\.self) }

      func loaded(_ plugin: ChildMessage.LoadedPlugin, by child: Child) {
        for tool in plugin.tools { _ = tool.inputSchema }
      }

      func refused(_ reason: String, by child: Child) {}
      func returned(_ call: ChildCall, hasEnded: Bool, in child: Child) {}
      func finished(_ call: ChildCall, in child: Child) {}
      func log(_ level: Logger.Level, _ message: String, _ metadata: [String: String]) {}

      func ended(_ end: ChildEnd, calls: [ChildCall], child: Child?) {
        ends.withLock { $0 += 1 }
        for call in calls {
          let name = call.call.tool.name
          call.finish(
            .failure(end.failure(plugin: "p", tool: name, culprit: nil, isCulprit: false)))
        }
      }
    }

    /// Tools for the process to call, and the one that runs in it.
    private final class Provider: ToolProvider {
      let id = "fuzz"
      let name = "fuzz"
      let version = "1"
      let tools: [any Tool] = [Echo("caller"), Echo("echo")]
      func retire() {}
    }

    private final class Echo: Tool {
      let description: ToolDescription

      init(_ name: String) {
        let parameter = try? ParameterDescription(
          name: "x", description: "", type: .any, isRequired: false)
        description = ToolDescription(
          name: name, description: "", parameters: parameter.map { [$0] } ?? [], plugin: "fuzz")
      }

      func run(_ call: ToolCall) {
        call.finish(.success(call.arguments.entries.first?.value ?? .null))
      }
    }
  }
#endif
