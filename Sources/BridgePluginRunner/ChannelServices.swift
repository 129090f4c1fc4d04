internal import BridgePluginChannel
internal import BridgeSessions
internal import BridgeTools
internal import Logging
internal import Threads

/// The services of a call in a child process: the host has them, at the other end of the channel.
final class ChannelServices: CallServices {
  let sessionID: String
  let sessionEpoch: String
  private let server: PluginServer
  private let call: UInt64
  private let threads: ToolThreads

  init(
    _ server: PluginServer, call: UInt64, sessionID: String, sessionEpoch: String,
    threads: ToolThreads
  ) {
    self.server = server
    self.call = call
    self.sessionID = sessionID
    self.sessionEpoch = sessionEpoch
    self.threads = threads
  }

  func get(_ identifier: String) throws -> VariableSnapshot { try variable(.get(identifier)) }

  func list(_ pattern: String) throws -> [VariableSnapshot] { try variables(.list(pattern)) }

  func set(_ write: VariableWrite) throws -> VariableSnapshot { try variable(.set(write)) }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    try variables(.setAll(writes))
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot {
    try self.variable(.create(variable))
  }

  func remove(_ identifier: String) throws { _ = try ask(.remove(identifier)) }

  /// Transactions are the host's: here no tool is atomic.
  func preview(_ change: PendingChange) throws -> VariableSnapshot? { throw Self.noTransactions }

  func commit(_ changes: [PendingChange]) throws { throw Self.noTransactions }

  private static let noTransactions = SessionError(
    .unsupported, "transactions are made by the host of a plugin, not by its process")

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    let number = server.nextNumber()
    let watch = RemoteWatch(
      server, number: number, call: call, threads: threads, deliver: deliver)
    // Changes may come before the answer.
    server.keep(watch, as: number)
    do {
      _ = try ask(.watch(identifiers, initial: initial), as: number)
    } catch {
      server.forgetWatch(number)
      throw error
    }
    return watch
  }

  func log(_ level: Logger.Level, _ message: String, from call: ToolCall) {
    server.send(.log(call: self.call, level: level, message: message, metadata: [:]))
  }

  func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    let number = server.nextNumber()
    let request = ServiceRequest.NestedCall(
      tool: tool, arguments: arguments.compactMap { $0 as? GivenArgument }, metadata: metadata,
      deadline: deadline, isStreaming: isStreaming)
    let nested = NestedCall(server, number: number)
    let callee = ToolCall(
      of: nested.description(named: tool),
      ToolCall.Request(
        arguments: Arguments(checked: []), isStreaming: isStreaming,
        depth: caller.request.depth + 1),
      services: self, threads: threads, observer: observer)
    server.keep(nested, as: number)
    do {
      _ = try ask(.start(request), as: number)
    } catch {
      server.forgetNested(number)
      throw error
    }
    nested.follow(callee)
    if waits {
      callee.run(nested)
    } else if !startThread(named: "nested-call", { callee.run(nested) }) {
      callee.finish(
        .failure(
          ToolFailure(
            code: 8, message: "the process of the plugin can have no more threads", type: "limit",
            isRetryable: true)))
    }
    return callee
  }

  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) {
    let number = server.nextNumber()
    server.keepSessionEnd(body, as: number)
    // It never refuses.
    _ = try? ask(.whenSessionEnds, as: number)
  }

  // MARK: Asking

  private func ask(_ request: ServiceRequest, as number: UInt64? = nil) throws -> ServiceReply {
    let reply = server.ask(request, of: call, as: number ?? server.nextNumber())
    if case .failure(let error) = reply { throw error }
    return reply
  }

  private func variable(_ request: ServiceRequest) throws -> VariableSnapshot {
    guard case .variable(let variable) = try ask(request) else { throw Self.wrongReply }
    return variable
  }

  private func variables(_ request: ServiceRequest) throws -> [VariableSnapshot] {
    guard case .variables(let variables) = try ask(request) else { throw Self.wrongReply }
    return variables
  }

  private static let wrongReply = SessionError(
    .failedPrecondition, "the host has answered another question than was asked")
}

/// A watch that the host holds for a tool here. Thread-safe.
final class RemoteWatch: VariableSubscription {
  private let server: PluginServer
  private let number: UInt64
  private let call: UInt64
  private let threads: ToolThreads
  private let deliver: @Sendable ([VariableChange]) -> VariableDelivery
  private let isOver = Locked(false)

  init(
    _ server: PluginServer, number: UInt64, call: UInt64, threads: ToolThreads,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) {
    self.server = server
    self.number = number
    self.call = call
    self.threads = threads
    self.deliver = deliver
  }

  /// Hands changes to the tool, on another thread; the next ones come after that.
  func deliver(_ changes: [VariableChange]) {
    threads.deliver { [self] in
      let isOver = isOver.withLock(\.self)
      switch isOver ? .end : ChildSystem.working(for: call, { deliver(changes) }) {
      case .goOn: resume()
      case .pause: break
      case .end:
        server.forgetWatch(number)
        server.send(.delivered(watch: number, wantsMore: false))
      }
    }
  }

  func resume() { server.send(.delivered(watch: number, wantsMore: true)) }

  func cancel() {
    let isNew = isOver.withLock { isOver in
      defer { isOver = true }
      return !isOver
    }
    guard isNew else { return }
    server.forgetWatch(number)
    server.send(.unwatch(watch: number))
  }
}
