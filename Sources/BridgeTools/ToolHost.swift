public import BridgeSessions
public import Logging
internal import Threads

/// All tools of a host: the registry they are found in, and what runs their calls.
///
/// Thread-safe.
public final class ToolHost: Sendable {
  /// Where tools are found.
  public let registry: ToolRegistry
  /// Those that one session alone has.
  public let sessionTools: SessionTools
  /// What tools and their callbacks run on.
  public let threads: ToolThreads
  /// Where tools write, and what is said of them.
  public let logger: Logger
  private let scheduler: ToolScheduler
  /// Who else has the sessions, and may have tools for them.
  public let peer: (any SessionPeer)?
  private let observer: (any ToolObserver)?
  private let recorder: (any ToolRecorder)?

  /// Tools may call tools that call tools, so deep at most.
  public static let depthLimit = 16

  /// Bytes of arguments up to which a quick tool is taken at its word and runs on an event loop.
  public static let inlineLimit = 64 * 1024

  /// A host without tools.
  public init(
    configuration: ToolThreads.Configuration = ToolThreads.Configuration(),
    peer: (any SessionPeer)? = nil, observer: (any ToolObserver)? = nil,
    recorder: (any ToolRecorder)? = nil, logger: Logger
  ) {
    self.logger = logger
    self.peer = peer
    self.observer = observer
    self.recorder = recorder
    threads = ToolThreads(configuration)
    scheduler = ToolScheduler(threads: threads, logger: logger)
    let pool = threads.pool
    let makeRegistry: @Sendable () -> ToolRegistry = {
      ToolRegistry { limit in
        CallQueue(limit: limit, waitingLimit: configuration.queuedCalls, pool: pool)
      }
    }
    registry = makeRegistry()
    sessionTools = SessionTools(makeRegistry: makeRegistry)
  }

  /// Registers tools that one session alone has, until it ends.
  ///
  /// - Throws: `ToolsError` with code `nameTaken`, also where a tool of all sessions has the name.
  public func register(_ provider: any ToolProvider, in session: Session) throws(ToolsError) {
    let catalog = registry.catalog
    for tool in provider.tools {
      let name = tool.description.name
      if let other = catalog[name] {
        throw ToolsError(
          .nameTaken,
          "the tool \(name) is there already, from plugin \(other.description.plugin)",
          details: ["tool": name, "plugin": other.description.plugin])
      }
    }
    try sessionTools.register(provider, in: session)
  }

  /// Finds a tool, one of the session's own first, and begins a call of it.
  ///
  /// - Parameter session: Its id; it need not be there.
  /// - Throws: `ToolsError` with code `toolNotFound`.
  public func admit(_ name: String, in session: String) throws(ToolsError) -> AdmittedTool {
    if let own = sessionTools.registry(of: session), let tool = try? own.admit(name) { return tool }
    return try registry.admit(name)
  }

  /// Starts a call. The observer hears of its end exactly once, unless this throws.
  ///
  /// - Parameters:
  ///   - tool: From `ToolRegistry.admit`; it is given back when the call has ended, or when this throws.
  ///   - request: The call looks at its deadline when its tool asks or sleeps. To have listeners told,
  ///     whoever starts the call also cancels it then, as the gRPC server does with one timer a
  ///     connection.
  ///   - onEventLoop: Whether the calling thread must not be blocked.
  ///   - eventLoop: The calling thread, if it works in turns: what is asked for in one of its turns is begun
  ///     together where that is cheaper.
  /// - Throws: `ToolsError` with code `limitReached` when too many calls wait.
  public func start(
    _ tool: AdmittedTool, _ request: consuming ToolCall.Request, in session: any ToolSession,
    onEventLoop: Bool, turn eventLoop: (any TurnTaker)? = nil,
    observer: any ToolCallObserver
  ) throws(ToolsError) -> ToolCall {
    let (observer, tape) = observed(tool, &request, in: session, observer)
    return try start(
      tool, request, in: session, from: onEventLoop ? .eventLoop : .thread, on: eventLoop,
      caller: nil, observer: observer, tape: tape)
  }

  /// Starts a call that a running tool makes.
  func start(
    _ name: String, arguments: [any ArgumentSource], metadata: VariableMetadata,
    deadline: Int64?, isStreaming: Bool, in session: any ToolSession, from caller: ToolCall,
    waits: Bool,
    observer: any ToolCallObserver
  ) throws -> ToolCall {
    let depth = caller.request.depth + 1
    guard depth <= Self.depthLimit else {
      throw ToolsError(
        .failedPrecondition,
        "\(caller.tool.name) calls \(name) in the \(depth)th call within a call; at most "
          + "\(Self.depthLimit) are taken",
        details: ["limit": "\(Self.depthLimit)"])
    }
    let tool = try admit(name, in: session.id, from: caller)
    guard tool.description.isReadOnly || !caller.tool.isReadOnly else {
      throw ToolsError(
        .failedPrecondition,
        "\(caller.tool.name) is read-only and cannot call \(name), which may write",
        details: ["tool": name])
    }
    try checkTurns(tool.registered, caller)
    guard caller.mayBlock || !waits || tool.registered.runsInline else {
      throw ToolsError(
        .failedPrecondition,
        "\(caller.tool.name) says it is quick, so it must not wait for \(name), which is not")
    }
    var request = ToolCall.Request(
      arguments: try Self.read(arguments, for: tool, from: caller),
      metadata: metadata.merging(under: caller.metadata),
      deadline: [caller.request.deadline, deadline].compactMap { $0 }.min(),
      isStreaming: isStreaming, depth: depth, client: caller.request.client)
    let (observer, tape) = observed(tool, &request, in: session, observer)
    let call = try start(
      tool, request, in: session,
      from: caller.mayBlock ? (waits ? .waitingThread : .thread) : .eventLoop, caller: caller,
      observer: NestedObserver(observer, caller: caller), tape: tape)
    // The caller's deadline is kept by whoever keeps the caller's.
    if let deadline { threads.cancel(call, at: deadline) }
    return call
  }

  /// Finds a tool for one that runs, which may wait until the peer has told of new ones.
  private func admit(
    _ name: String, in session: String, from caller: ToolCall
  ) throws(ToolsError) -> AdmittedTool {
    do {
      return try admit(name, in: session)
    } catch {
      guard let peer, caller.mayBlock, error.code == .toolNotFound else { throw error }
      let looked = Semaphore()
      guard peer.lookAgain(session, { looked.signal() }) else { throw error }
      looked.wait()
      return try admit(name, in: session)
    }
  }

  /// The observer of a call, behind that of the host where somebody listens, and behind the tape where it is
  /// taken down.
  private func observed(
    _ tool: AdmittedTool, _ request: inout ToolCall.Request, in session: any ToolSession,
    _ callObserver: any ToolCallObserver
  ) -> (any ToolCallObserver, (any CallTape)?) {
    var callObserver = callObserver
    if let observer, observer.isListening {
      callObserver = observer.began(
        tool.description, &request, session: session.id, observer: callObserver)
    }
    guard
      let tape = recorder?.began(
        tool.description, request, session: session.id, observer: callObserver)
    else { return (callObserver, nil) }
    return (tape.observer, tape)
  }

  /// Reads what a running tool gives to another one.
  private static func read(
    _ arguments: [any ArgumentSource], for tool: AdmittedTool, from caller: ToolCall
  ) throws -> Arguments {
    var searches = caller.mayBlock ? SearchBudget.ofTool() : .brief
    do {
      return try Arguments(SourceList(sources: arguments), for: tool, &searches)
    } catch SearchInterruption.needsTime {
      throw ToolsError(
        .failedPrecondition,
        "\(caller.tool.name) says it is quick, so it must not wait for the patterns of "
          + tool.description.name)
    }
  }

  private func start(
    _ tool: AdmittedTool, _ request: consuming ToolCall.Request, in session: any ToolSession,
    from origin: ToolScheduler.Origin, on eventLoop: (any TurnTaker)? = nil, caller: ToolCall?,
    observer: any ToolCallObserver, tape: (any CallTape)?
  ) throws(ToolsError) -> ToolCall {
    let registered = tool.registered
    var turn: CallTurn?
    if let queue = registered.queue { turn = CallTurn(queue) }
    let mayRunInline =
      request.arguments.byteCount <= Self.inlineLimit
      && session.answersAtOnce(isReadOnly: registered.described.tool.isReadOnly)
    session.beginUse()
    let running = RunningTool(registered: registered, host: self)
    var services = session.services(for: running, deadline: request.deadline)
    if let tape { services = tape.services(over: services) }
    let call = ToolCall(
      of: registered.described, request, services: services,
      threads: threads, caller: caller, observer: observer,
      ending: .giveBack(tool, session, turn))
    tape?.begins(call)
    if caller != nil { (observer as? NestedObserver)?.follow(call) }
    do throws(ToolsError) {
      try scheduler.submit(
        call, of: registered, turn: turn, from: origin, mayRunInline: mayRunInline,
        on: eventLoop)
    } catch {
      session.endUse()
      (observer as? NestedObserver)?.unfollow()
      throw error
    }
    return call
  }

  /// A call cannot wait for its turn behind a call that waits for it.
  private func checkTurns(_ tool: RegisteredTool, _ caller: ToolCall) throws(ToolsError) {
    guard let queue = tool.queue else { return }
    var held = 0
    var outer: ToolCall? = caller
    while let call = outer {
      if registry.catalog[call.tool.name]?.queue === queue { held += 1 }
      outer = call.caller
    }
    if held >= queue.limit {
      throw ToolsError(
        .failedPrecondition,
        "\(caller.tool.name) cannot call \(tool.description.name): it would wait for its turn behind "
          + "the call it is in")
    }
  }

  /// Lets threads end when their work is done.
  public func stop() { threads.stop() }
}
