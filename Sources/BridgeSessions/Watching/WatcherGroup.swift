internal import DequeModule

/// The watches of a session that ask for the same.
///
/// They are told the same, so what is found out or made for one of them serves all: whether a
/// variable is theirs, and the updates of a range of the log.
// @unchecked: all that is `var` is guarded by the session's lock.
final class WatcherGroup: @unchecked Sendable {
  let filter: WatchFilter
  private(set) var watches: [Watch] = []
  /// The last variable asked for and the answer: changes in a row are often of one variable.
  @exclusivity(unchecked) private var lastMatch: (definition: Variable.Definition, matches: Bool)?
  /// Newest last.
  private var batches: Deque<EncodedBatch> = []
  private var batchBytes = 0

  /// What is kept of `batches`: watches woken by one change take what it began within moments.
  private static let batchLimit = 8
  private static let batchByteLimit = 64 * 1024

  init(_ filter: WatchFilter) { self.filter = filter }

  func add(_ watch: Watch) {
    watch.place = watches.count
    watches.append(watch)
  }

  func remove(_ watch: Watch) {
    let last = watches.removeLast()
    if last !== watch {
      watches[watch.place] = last
      last.place = watch.place
    }
    if !isShared { forgetBatches() }
  }

  var isEmpty: Bool { watches.isEmpty }

  /// Whether there is anybody to share with.
  var isShared: Bool { watches.count > 1 }

  func reports(_ definition: Variable.Definition) -> Bool {
    if let lastMatch, lastMatch.definition === definition { return lastMatch.matches }
    let matches = filter.matches(definition)
    lastMatch = (definition, matches)
    return matches
  }

  /// The updates of the range that begins at a position of the log, if a watch has shared them.
  func batch(at position: Int) -> EncodedBatch? {
    // By index: a loop over the deque would retain it.
    var index = batches.count - 1
    while index >= 0 {
      if batches[index].start == position { return batches[index] }
      index -= 1
    }
    return nil
  }

  func keep(_ batch: EncodedBatch) {
    guard isShared, batch.bytes.count <= Self.batchByteLimit, self.batch(at: batch.start) == nil
    else {
      return
    }
    batches.append(batch)
    batchBytes += batch.bytes.count
    while batches.count > Self.batchLimit || batchBytes > Self.batchByteLimit {
      batchBytes -= batches.removeFirst().bytes.count
    }
  }

  func forgetBatches() {
    batches = []
    batchBytes = 0
  }
}

/// The encoded updates of a range of a session's log, as the watches of one group are told.
public struct EncodedBatch: Sendable {
  /// From the position a watch was at, to the one it is at when it has sent these.
  let start: Int
  let end: Int
  /// As whoever shared them wrote them one after the other.
  public let bytes: [UInt8]
  /// How many updates there are.
  public let count: Int
  /// The last revision that is complete with these; nil when none is.
  public let completeRevision: Int64?
}
