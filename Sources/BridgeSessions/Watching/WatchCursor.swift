/// Where a watch stands between its session's log and its reader, as a pure state machine.
///
///     upToDate ──committed──▶ pending ──take──▶ pending … ──caughtUp──▶ upToDate
///         └──────────────────────┴──────cancel──────▶ cancelled
struct WatchCursor {
  enum State: Equatable {
    /// The reader has taken everything. The next change that it reports wakes it.
    case upToDate
    /// There may be something to take, from this position of the log on. The reader knows: it was
    /// woken, or has not finished.
    case pending(Int)
    /// The reader has gone.
    case cancelled
  }

  private(set) var state: State

  /// - Parameters:
  ///   - position: Of the first change in the log that the watch may report.
  ///   - logEnd: The position of the next change.
  init(at position: Int, logEnd: Int) {
    state = position < logEnd ? .pending(position) : .upToDate
  }

  /// A change that the watch reports, or the end of the session, comes at a position.
  ///
  /// - Returns: Whether the reader must be woken.
  mutating func committed(at position: Int) -> Bool {
    guard case .upToDate = state else { return false }
    state = .pending(position)
    return true
  }

  /// The position of what is taken next.
  ///
  /// A reader that is up to date passes at once what it does not report.
  func position(logEnd: Int) -> Int {
    if case .pending(let position) = state { return position }
    return logEnd
  }

  /// The reader has passed the log up to a position and may take more. Without effect on a reader
  /// that has gone.
  mutating func advance(to position: Int) {
    if case .cancelled = state { return }
    state = .pending(position)
  }

  /// The reader has taken everything there is.
  mutating func caughtUp() {
    if case .cancelled = state { return }
    state = .upToDate
  }

  /// - Returns: false when the reader had gone already.
  mutating func cancel() -> Bool {
    defer { state = .cancelled }
    return state != .cancelled
  }
}
