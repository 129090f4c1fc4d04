public import BridgeTools
internal import Glibc
internal import JSON
public import Logging
internal import Synchronization
internal import Threads

/// Writes calls of tools into files, as they end.
///
/// It never holds a call up: what its thread cannot write in time is dropped, counted, and told of in the log
/// and in the record. Thread-safe.
public final class CallRecorder: ToolRecorder, Sendable {
  /// What is recorded.
  public struct Configuration: Sendable {
    /// The part of all calls that is recorded, from 0 to 1.
    public var rate = 1.0
    /// What the files of this process may take together, in bytes; the oldest go.
    public var byteLimit = 1 << 30
    /// Names of parameters and variables whose values are hidden, beside those that always are; `*` stands
    /// for any run of characters.
    public var masks: [String] = []
    /// So many calls wait to be written at most.
    var waitingLimit = 10_000

    /// All calls.
    public init() {}
  }

  private let configuration: Configuration
  private let logger: Logger
  private let condition = Condition()
  private let state: Locked<State>
  private let count = Atomic<UInt64>(0)

  private struct State {
    var waiting: [RecordedCall] = []
    var waitingBytes = 0
    var dropped = 0
    var droppedInAll = 0
    var lastTold: Int64?
    var isStopping = false
    var isRunning = false
  }

  /// So many bytes of values wait with them at most.
  static let waitingByteLimit = 128 << 20
  /// How often it is told that calls were dropped at most: nanoseconds.
  private static let toldEvery: Int64 = 60_000_000_000

  // SAFETY: used by the thread that writes alone, once it runs.
  private let files: Files

  private struct Files: @unchecked Sendable { let files: RecordFiles }

  /// Begins a record.
  ///
  /// - Parameter version: Of the host, for the record's header.
  /// - Throws: `RecordError` where the directory cannot be written.
  public init(
    _ directory: String, _ configuration: Configuration = Configuration(), version: String,
    logger: Logger
  ) throws {
    self.configuration = configuration
    self.logger = logger
    state = Locked(State())
    let masks = Masks(Masks.standard + configuration.masks)
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    files = Files(
      files: try RecordFiles(
        directory, limit: configuration.byteLimit,
        header: [
          .init(key: RecordReader.mark, value: .integer(RecordReader.version)),
          .init(key: "host", value: .string(version)),
          .init(key: "process", value: .integer(Int64(getpid()))),
          .init(key: "started_at", value: .integer(now)),
          .init(key: "rate", value: .number(configuration.rate)),
          .init(key: "masks", value: .array(masks.patterns.map { .string($0) })),
        ], startedAt: now))
    state.withLock { $0.isRunning = true }
    guard startThread(named: "recording", { self.write(masks) }) else {
      throw RecordError("the system has no more threads")
    }
  }

  // MARK: Calls

  /// As of `ToolRecorder`.
  public func began(
    _ tool: ToolDescription, _ request: ToolCall.Request, session: String,
    observer: any ToolCallObserver
  ) -> (any CallTape)? {
    guard isChosen else { return nil }
    return RecordingTape(tool, request, session: session, observer: observer) { [weak self] call in
      self?.take(call)
    }
  }

  /// Evenly: of a tenth, every tenth call.
  private var isChosen: Bool {
    let number = Double(count.add(1, ordering: .relaxed).newValue)
    return (number * configuration.rate).rounded(.down)
      > ((number - 1) * configuration.rate).rounded(.down)
  }

  private func take(_ call: RecordedCall) {
    var call = call
    if call.wasCancelled { call.obstacle = call.obstacle ?? "it was cancelled, or ran out of time" }
    let bytes = call.heldBytes
    let isFirst = state.withLock { state in
      guard !state.isStopping, state.waiting.count < configuration.waitingLimit,
        state.waitingBytes + bytes <= Self.waitingByteLimit
      else {
        state.dropped += 1
        return false
      }
      state.waiting.append(call)
      state.waitingBytes += bytes
      return state.waiting.count == 1
    }
    if isFirst { condition.withLock { condition.signal() } }
  }

  /// Writes what waits, and ends.
  public func stop() {
    state.withLock { $0.isStopping = true }
    condition.withLock {
      condition.broadcast()
      while state.withLock(\.isRunning) { condition.wait() }
    }
  }

  // MARK: The thread

  private func write(_ masks: Masks) {
    var isOver = false
    while !isOver {
      let (calls, dropped) = condition.withLock { () -> ([RecordedCall], Int) in
        while true {
          let taken = state.withLock { state -> ([RecordedCall], Int)? in
            if state.waiting.isEmpty && !state.isStopping { return nil }
            isOver = state.isStopping
            defer {
              (state.waiting, state.waitingBytes) = ([], 0)
              state.droppedInAll += state.dropped
              state.dropped = 0
            }
            return (state.waiting, state.dropped)
          }
          if let taken { return taken }
          condition.wait()
        }
      }
      write(calls, dropped: dropped, masks)
    }
    condition.withLock {
      state.withLock { $0.isRunning = false }
      condition.broadcast()
    }
  }

  private func write(_ calls: [RecordedCall], dropped: Int, _ masks: Masks) {
    var lost = 0
    if dropped > 0 {
      tell("calls are not recorded, because they come faster than they can be written", dropped)
      try? files.files.append(
        .object([.init(key: "dropped", value: .integer(Int64(dropped)))]))
    }
    for call in calls {
      var encoder = RecordEncoder(masks, files.files)
      do {
        try files.files.append(encoder.json(call))
      } catch {
        lost += 1
        if lost == 1 { tell("calls are not recorded: \(error)", calls.count) }
      }
    }
  }

  private func tell(_ what: String, _ count: Int) {
    let now = MonotonicClock.now
    let isDue = state.withLock { state in
      if let last = state.lastTold, now - last < Self.toldEvery { return false }
      state.lastTold = now
      return true
    }
    if isDue { logger.warning("\(what)", metadata: ["calls": "\(count)"]) }
  }
}

extension RecordedCall {
  /// About how many bytes it holds.
  fileprivate var heldBytes: Int {
    var count = 500 + 200 * events.count
    for argument in arguments { count += argument.value.heldBytes }
    for event in events {
      switch event {
      case .chunk(let value), .nestedChunk(_, let value): count += value.heldBytes
      case .asked(.set(let write), _, _, _): count += write.value.heldBytes
      case .nestedEnd(_, let outcome): count += outcome.byteCount
      default: break
      }
    }
    return count + outcome.byteCount
  }
}
