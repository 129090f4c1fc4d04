/// The states of a call and the ways between them, without threads and clocks.
struct CallLife {
  enum Phase: Equatable {
    /// The tool's function has not begun.
    case waiting
    /// The tool is at work, in its function or after it.
    case running
    /// The tool has succeeded, and its writes are being committed; nothing cancels it any more.
    case committing
    /// The outcome is known; nothing follows.
    case finished
  }

  private(set) var phase = Phase.waiting
  /// Why the call must end, if it must. The first reason counts.
  private(set) var cancellation: ToolCall.Cancellation?
  /// Whether a chunk would be taken.
  private(set) var hasRoom = true

  enum Begin: Equatable {
    /// Run the tool.
    case run
    /// Its time was over before it began: end the call without running the tool.
    case end(ToolCall.Cancellation)
    /// It has begun or ended already.
    case nothing
  }

  /// The call's turn has come.
  mutating func begin() -> Begin {
    // It has ended, or begun elsewhere: a call begins once.
    if phase != .waiting { return .nothing }
    phase = .running
    return cancellation.map { .end($0) } ?? .run
  }

  /// Asks the call to end.
  ///
  /// - Returns: Whether this is news: the tool's listeners are to be told.
  mutating func cancel(_ reason: ToolCall.Cancellation) -> Bool {
    guard cancellation == nil, phase != .finished, phase != .committing else { return false }
    cancellation = reason
    return true
  }

  enum Emission: Equatable {
    case taken
    /// Nothing was taken; there is room after `roomIsAvailable`.
    case full
    case cancelled(ToolCall.Cancellation)
    case finished
  }

  /// Asks whether a chunk can be sent now. When it is taken there is no room until somebody says so.
  mutating func emit() -> Emission {
    if phase == .finished || phase == .committing { return .finished }
    if let cancellation { return .cancelled(cancellation) }
    guard hasRoom else { return .full }
    hasRoom = false
    return .taken
  }

  /// There is room for a chunk.
  mutating func roomIsAvailable() { hasRoom = true }

  enum Commit: Equatable {
    /// Commit what the tool has written, and end the call with `finish(afterCommit: true)`.
    case commit
    /// The call was to end before the tool had succeeded: end it with a failure.
    case end(ToolCall.Cancellation)
    /// It has ended, or is about to.
    case nothing
  }

  /// The tool has succeeded, and has written what is to be committed.
  mutating func beginCommit() -> Commit {
    if phase == .finished || phase == .committing { return .nothing }
    if let cancellation { return .end(cancellation) }
    phase = .committing
    return .commit
  }

  /// The call ends.
  ///
  /// - Parameter afterCommit: Whether this is the end that `beginCommit` has announced.
  /// - Returns: Whether it does so now: an outcome that comes later counts for nothing.
  mutating func finish(afterCommit: Bool = false) -> Bool {
    if phase == .finished || (phase == .committing && !afterCommit) { return false }
    phase = .finished
    return true
  }
}
