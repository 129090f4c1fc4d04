/// What searches for patterns may take together, in steps of about a nanosecond: those of one request. And
/// whether there is time to read and write long texts.
///
/// Each search has a limit of its own beside it.
public struct SearchBudget {
  /// Steps that are left.
  private(set) var stepsLeft: Int
  /// Whether who asks has no time, and asks again where there is more.
  let isBrief: Bool
  /// Tells whether anybody still waits for the answer; asked about every millisecond of a search.
  let hasEnded: (@Sendable () -> Bool)?

  /// Steps on a thread that others wait for.
  static let briefSteps = 50_000
  /// Steps of a request on a thread that may take its time.
  static let longSteps = 500_000_000

  /// For threads that nobody else waits for: only each search is bounded.
  public init() { self.init(steps: .max, isBrief: false, hasEnded: nil) }

  private init(steps: Int, isBrief: Bool, hasEnded: (@Sendable () -> Bool)?) {
    self.stepsLeft = steps
    self.isBrief = isBrief
    self.hasEnded = hasEnded
  }

  /// For event loops: about 50 microseconds. What takes longer throws `SearchInterruption.needsTime`, and
  /// nothing has been written then.
  public static var brief: SearchBudget {
    SearchBudget(steps: briefSteps, isBrief: true, hasEnded: nil)
  }

  /// For a request that has a thread for itself: about half a second.
  ///
  /// - Parameters:
  ///   - times: How many times as long.
  ///   - hasEnded: Whether nobody waits for the answer any more. Then a search throws
  ///     `SearchInterruption.requestEnded`.
  public static func long(
    times: Int = 1, until hasEnded: @escaping @Sendable () -> Bool
  ) -> SearchBudget {
    SearchBudget(steps: times * longSteps, isBrief: false, hasEnded: hasEnded)
  }

  /// For patterns that are a tool's, in values that are a client's, on a thread that may take its time:
  /// about 50 milliseconds.
  ///
  /// - Parameter hasEnded: As of `long`; nil where the search goes on in any case.
  public static func ofTool(until hasEnded: (@Sendable () -> Bool)? = nil) -> SearchBudget {
    SearchBudget(steps: longSteps / 10, isBrief: false, hasEnded: hasEnded)
  }

  /// Text that is read or written by a thread that others wait for, in bytes: less than a millisecond.
  public static let briefText = 64 * 1024

  /// Values are about to be read from so many bytes of text, or written as so many.
  ///
  /// - Throws: `SearchInterruption.needsTime` where others wait and it is more than `briefText`.
  public func checkText(_ bytes: Int) throws(SearchInterruption) {
    if isBrief && bytes > Self.briefText { throw .needsTime }
  }

  mutating func take(_ steps: Int) { stepsLeft = max(0, stepsLeft - steps) }
}

/// Why a search, or other work on a request, did not end, though it may have gone on.
public enum SearchInterruption: Error {
  /// It takes more time than the thread has.
  case needsTime
  /// Nobody waits for its result.
  case requestEnded
}
