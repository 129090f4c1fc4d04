internal import Logging
internal import Threads

/// Decides where and when a call's tool runs: on the thread that asks, on a worker, or when its turn
/// comes.
///
/// Thread-safe.
final class ToolScheduler: Sendable {
  private let threads: ToolThreads
  private let logger: Logger

  /// A call of a quick tool that takes longer was not quick. Nanoseconds.
  private static let quick: Int64 = 1_000_000

  init(threads: ToolThreads, logger: Logger) {
    self.threads = threads
    self.logger = logger
  }

  /// Where a call came from, which decides where its tool may run.
  enum Origin {
    /// An event loop, which must not be blocked.
    case eventLoop
    /// A thread that may block, but goes on to something else.
    case thread
    /// A thread that does nothing but wait for the outcome.
    case waitingThread
  }

  /// Runs a call, now or later.
  ///
  /// - Parameters:
  ///   - turn: Of a tool whose concurrency is limited.
  ///   - mayRunInline: Whether a quick tool may run on an event loop: not when its writes wait for the
  ///     disk, nor with arguments that take long to read.
  ///   - eventLoop: The one that asks, if one does: what comes in one of its turns is begun together.
  /// - Throws: `ToolsError` with code `limitReached`; the call does not run then.
  func submit(
    _ call: ToolCall, of registered: RegisteredTool, turn: CallTurn?, from origin: Origin,
    mayRunInline: Bool, on eventLoop: (any TurnTaker)? = nil
  ) throws(ToolsError) {
    if let turn {
      try submit(call, of: registered, turn, from: origin)
    } else if registered.described.tool.execution == .forwarded {
      if let refusal = registered.tool.refusal(of: call) { throw refusal }
      call.mustNotBlock()
      call.run(registered.tool)
    } else if registered.runsInline && (mayRunInline || origin != .eventLoop) {
      runInline(call, of: registered, from: origin)
    } else if origin == .waitingThread {
      // The thread is there anyway; another one might not be.
      call.run(registered.tool)
    } else {
      let answer = threads.pool.offer(
        { call.run(registered.tool) }, for: call, owner: call.request.client,
        pace: registered.pace, turn: eventLoop)
      switch answer {
      case .accepted: break
      case .refused: throw busy
      case .hopeless: throw .hopeless(call)
      }
      if call.caller != nil { call.waitsForThread(to: registered.tool) }
    }
  }

  private func submit(
    _ call: ToolCall, of registered: RegisteredTool, _ turn: CallTurn, from origin: Origin
  ) throws(ToolsError) {
    let run: @Sendable () -> Void = {
      call.run(registered.tool)
      turn.functionReturned()
    }
    if origin == .waitingThread { return try runWaiting(call, turn, run) }
    let pool = threads.pool
    // Whoever leaves may be on an event loop, or deep in another call: the next one starts elsewhere.
    let entry = turn.queue.enter(
      owner: call.request.client, turn: turn, deadline: call.request.deadline, needsThread: true
    ) {
      if turn.begin() {
        _ = pool.submit(run, owner: call.request.client, isContinuation: true, hasPlace: true)
      } else {
        pool.giveBack(call.request.client)
      }
    }
    switch entry {
    case .now:
      guard turn.begin() else { return pool.giveBack(call.request.client) }
      if !pool.submit(run, owner: call.request.client, hasPlace: true) {
        turn.queue.leave()
        throw busy
      }
    case .queued: break
    case .refused: throw busy
    case .hopeless: throw .hopeless(call)
    }
  }

  /// Waits on the calling thread for the turn, and runs the call there: of the threads of the pool, all
  /// might be waiting like this one.
  private func runWaiting(
    _ call: ToolCall, _ turn: CallTurn, _ run: () -> Void
  ) throws(ToolsError) {
    let entry = turn.queue.enter(owner: call.request.client, isContinuation: true) {
      if turn.begin() { call.wakeWaiters() }
    }
    switch entry {
    case .now: if !turn.begin() { return }
    case .queued:
      // When the call must end before its turn comes, running it only ends it.
      if call.wait(until: nil, { _ in turn.hasBegun }) != nil { _ = turn.abandon() }
    case .refused: throw busy
    case .hopeless: throw .hopeless(call)
    }
    run()
  }

  private func runInline(
    _ call: ToolCall, of registered: RegisteredTool, from origin: Origin
  ) {
    if origin == .eventLoop { call.mustNotBlock() }
    // On a busy machine a thread's turn goes to others now and then: who was slow before is looked at closer.
    let use = registered.wasSlow ? ThreadUse.now : nil
    let began = MonotonicClock.now
    call.run(registered.tool)
    let taken = MonotonicClock.now - began
    if taken > Self.quick, let use, !ThreadUse.now.tookTime(since: use, beyond: Self.quick) {
      return
    }
    guard registered.noteInlineCall(wasQuick: taken <= Self.quick) else { return }
    logger.warning(
      "a tool that says it is quick is not: its calls run on worker threads from now on",
      metadata: [
        "tool": "\(registered.description.name)", "microseconds": "\(taken / 1000)",
      ])
  }

  private var busy: ToolsError {
    ToolsError(
      .limitReached,
      "too many tool calls wait for one of \(threads.pool.threadLimit) threads, of which one client has "
        + "\(threads.pool.ownerLimit) at most; try again later",
      details: ["limit": "\(threads.pool.queueLimit)"], isTransient: true)
  }
}
