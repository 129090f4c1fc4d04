public import BridgeSessions

/// Where the records of a journal are kept.
///
/// Not thread-safe: the journal calls it from one thread at a time.
public protocol JournalBackend: AnyObject {
  /// Takes what is stored into use.
  ///
  /// - Returns: Whether whoever used it before closed it in order. Then nothing that was reported
  ///   to anybody is missing.
  /// - Throws: What keeps it from being used.
  func open() throws -> Bool

  /// Hands over every session that is stored, one at a time, with its key.
  func readAll(_ body: (SessionImage, _ key: Int64) throws -> Void) throws

  /// Stores a group of records: all of them, or none if it throws.
  func write(_ records: [JournalRecord]) throws

  /// Ends the use.
  ///
  /// - Parameter inOrder: What `open` will answer.
  func close(inOrder: Bool) throws
}

/// Something that happened to a session.
public struct JournalRecord: Sendable {
  /// What happened.
  public enum Event: Sendable {
    /// It began, empty or as it was imported.
    case began(SessionImage)
    /// It has another epoch: its revisions do not continue those of before.
    case renewed(epoch: String)
    /// A mutation was applied and made these changes.
    case applied(Mutation, [Change])
  }

  /// Names the session's life in the journal: one that begins anew under the same id has another.
  public let key: Int64
  /// What happened.
  public let event: Event

  init(_ event: Event, key: Int64) {
    self.event = event
    self.key = key
  }

  /// About how many bytes it keeps alive.
  var byteCount: Int {
    switch event {
    case .began(let image): 512 + image.variables.count * 512
    case .renewed: 128
    case .applied(_, let changes):
      changes.isEmpty ? 256 : changes.reduce(64) { $0 + $1.baseByteCount }
    }
  }
}
