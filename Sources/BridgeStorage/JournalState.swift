internal import BridgeSessions

/// The life of a journal, as a pure state machine: what is recorded, written, acknowledged, refused.
///
///     open ◀──▶ behind      too much is waiting
///      ▲ │        │
///      │ ▼        ▼
///     failing ◀───┘         the backend does not write; it is tried again
///
///     any of these ──stop──▶ stopping ──▶ stopped
///
/// The owner is one thread, the writer: it asks `nextStep`, does it, and says what came of a write.
struct JournalState {
  enum Phase: Equatable {
    /// Changes are taken.
    case open
    /// Changes are refused until half of what waits is written.
    case behind
    /// Changes are refused until the backend writes again.
    case failing
    /// What is left is written, without another try.
    case stopping
    case stopped
  }

  /// What the writer does next.
  enum Step {
    /// Wait until something is recorded, or the journal is to stop.
    case wait
    /// Wait so long, that more records come together; then ask again. A stop ends the wait.
    case delay(milliseconds: Int)
    /// Write these, then tell `wrote` or `failed`.
    case write([JournalRecord])
    /// All is done.
    case stop
  }

  /// Told whether what it waits for is stored.
  typealias Waiter = @Sendable (SessionError?) -> Void

  private(set) var phase = Phase.open
  /// Whether everything recorded so far was written, or still can be.
  private(set) var isComplete = true

  private var waiting: [JournalRecord] = []
  private var waitingBytes = 0
  /// The group that is being written, and its last record's number.
  private var group: [JournalRecord] = []
  private var groupBytes = 0
  private var groupEnd: Int64 = 0
  /// The number of the newest record, from 1, and of the newest one that is dealt with.
  private var lastNumber: Int64 = 0
  private var doneNumber: Int64 = 0
  private var waiters: [(number: Int64, waiter: Waiter)] = []
  /// The delay before the next group is over.
  private var hasDelayed = false

  private let groupDelay: Int
  private let backlogLimit: Int

  /// Milliseconds until a write that failed is tried again.
  static let retryDelay = 1000

  /// - Parameters:
  ///   - groupDelay: Milliseconds that records wait for others; 0 for none.
  ///   - backlogLimit: Bytes of records that may wait; beyond it changes are refused.
  init(groupDelay: Int, backlogLimit: Int) {
    self.groupDelay = groupDelay
    self.backlogLimit = backlogLimit
  }

  // MARK: What sessions say

  /// Takes note of a record.
  ///
  /// - Returns: Whether the writer may be waiting for it.
  mutating func append(_ record: JournalRecord) -> Bool {
    lastNumber += 1
    if phase == .stopped {
      isComplete = false
      return false
    }
    waiting.append(record)
    waitingBytes += record.byteCount
    if phase == .open, waitingBytes + groupBytes > backlogLimit { phase = .behind }
    return waiting.count == 1
  }

  /// Calls a waiter when everything recorded so far is dealt with.
  ///
  /// - Returns: The answer, if it is known already: then the waiter is not kept.
  mutating func wait(_ waiter: @escaping Waiter) -> SessionError?? {
    if doneNumber == lastNumber { return .some(isComplete ? nil : Self.notStored) }
    if phase == .stopped { return .some(Self.notStored) }
    waiters.append((lastNumber, waiter))
    return .none
  }

  mutating func stop() {
    if phase != .stopped { phase = .stopping }
  }

  // MARK: What the writer says

  mutating func nextStep() -> Step {
    if phase == .stopped { return .stop }
    if group.isEmpty {
      guard !waiting.isEmpty else {
        guard phase == .stopping else { return .wait }
        phase = .stopped
        return .stop
      }
      if groupDelay > 0, !hasDelayed, phase != .stopping {
        hasDelayed = true
        return .delay(milliseconds: groupDelay)
      }
      swap(&group, &waiting)
      groupBytes = waitingBytes
      waitingBytes = 0
      groupEnd = lastNumber
    } else if phase == .failing, !hasDelayed {
      hasDelayed = true
      return .delay(milliseconds: Self.retryDelay)
    }
    hasDelayed = false
    return .write(group)
  }

  /// The group is stored.
  ///
  /// - Returns: Who waits for it.
  mutating func wrote() -> [Waiter] {
    precondition(!group.isEmpty, "nothing was to be written")
    endGroup()
    switch phase {
    case .failing: phase = waitingBytes > backlogLimit ? .behind : .open
    case .behind where waitingBytes <= backlogLimit / 2: phase = .open
    case .open, .behind, .stopping, .stopped: break
    }
    return takeWaiters()
  }

  /// The group could not be stored. It is tried again, unless the journal stops.
  ///
  /// - Returns: Who waits for it: they are told so.
  mutating func failed() -> [Waiter] {
    precondition(!group.isEmpty, "nothing was to be written")
    if phase == .stopping {
      isComplete = false
      endGroup()
    } else {
      phase = .failing
    }
    return takeWaiters()
  }

  private mutating func endGroup() {
    group = []
    groupBytes = 0
    doneNumber = groupEnd
  }

  private mutating func takeWaiters() -> [Waiter] {
    let ready = waiters.prefix { $0.number <= groupEnd }
    waiters.removeFirst(ready.count)
    return ready.map(\.waiter)
  }

  static let notStored = SessionError(
    .storageUnavailable, "the change was made, but could not be stored; see the host's log")
}
