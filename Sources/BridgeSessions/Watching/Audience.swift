internal import DequeModule

/// The watches of a session that ask for the same.
///
/// They are told the same, so what is found out or made for one of them serves all: whether a
/// variable is theirs, and the updates of a stretch of the log.
// @unchecked: all that is `var` is guarded by the session's lock.
final class Audience: @unchecked Sendable {
  let interest: Interest
  private(set) var watches: [Watch] = []
  /// The last variable asked for and the answer: changes in a row are often of one variable.
  @exclusivity(unchecked) private var lastMatch: (definition: Variable.Definition, matches: Bool)?
  /// Newest last.
  private var runs: Deque<UpdateRun> = []
  private var runBytes = 0

  /// What is kept of `runs`: watches woken by one change take what it began within moments.
  private static let runLimit = 8
  private static let runByteLimit = 64 * 1024

  init(_ interest: Interest) { self.interest = interest }

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
    if !isShared { forgetRuns() }
  }

  var isEmpty: Bool { watches.isEmpty }

  /// Whether there is anybody to share with.
  var isShared: Bool { watches.count > 1 }

  func reports(_ definition: Variable.Definition) -> Bool {
    if let lastMatch, lastMatch.definition === definition { return lastMatch.matches }
    let matches = interest.matches(definition)
    lastMatch = (definition, matches)
    return matches
  }

  /// The updates of the stretch that begins at a position of the log, if a watch has shared them.
  func run(at position: Int) -> UpdateRun? {
    // By index: a loop over the deque would retain it.
    var index = runs.count - 1
    while index >= 0 {
      if runs[index].start == position { return runs[index] }
      index -= 1
    }
    return nil
  }

  func keep(_ run: UpdateRun) {
    guard isShared, run.bytes.count <= Self.runByteLimit, self.run(at: run.start) == nil else {
      return
    }
    runs.append(run)
    runBytes += run.bytes.count
    while runs.count > Self.runLimit || runBytes > Self.runByteLimit {
      runBytes -= runs.removeFirst().bytes.count
    }
  }

  func forgetRuns() {
    runs = []
    runBytes = 0
  }
}

/// The encoded updates of a stretch of a session's log, as the watches of one audience are told.
public struct UpdateRun: Sendable {
  /// From the position a watch was at, to the one it is at when it has sent these.
  let start: Int
  let end: Int
  /// As whoever shared them wrote them one after the other.
  public let bytes: [UInt8]
  public let count: Int
  /// The last revision that is complete with these; nil when none is.
  public let completeRevision: Int64?
}
