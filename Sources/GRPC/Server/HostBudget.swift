internal import Synchronization

/// What all connections of a server hold together, against its totals.
///
/// Each connection is bounded by itself; the totals keep many from holding as much each. Those that hold
/// little are not held up. Thread-safe.
final class HostBudget: Sendable {
  private let answers = Atomic<Int>(0)
  private let requests = Atomic<Int>(0)
  let answerLimit: Int
  let requestLimit: Int

  /// A connection with less is not held up for what others hold, in bytes of unread answers.
  static let littleAnswers = 64 * 1024
  /// The same in bytes of requests: it may have the last eighth.
  static let littleRequests = 1024 * 1024
  /// What is left to a connection when there is too much, in bytes of requests.
  static func requests(leftTo own: Int) -> Int {
    // The last eighth is taken, too, when those that hold little are asked.
    own > littleRequests ? littleRequests : 64 * 1024
  }
  /// How far what a connection has told may be behind what it holds, in bytes: most calls cost nothing.
  static let step = 16 * 1024

  init(_ limits: ServerLimits) {
    answerLimit = limits.totalAnswerBytes
    requestLimit = limits.totalRequestBytes
  }

  /// A connection holds so many bytes of answers more than before. `[any thread]`
  func addAnswers(_ change: Int) { answers.add(change, ordering: .relaxed) }

  /// A connection holds so many bytes of requests more than before. `[any thread]`
  func addRequests(_ change: Int) { requests.add(change, ordering: .relaxed) }

  /// Bytes of answers that wait on all connections.
  var answerBytes: Int { answers.load(ordering: .relaxed) }
  /// Bytes of requests that all connections hold.
  var requestBytes: Int { requests.load(ordering: .relaxed) }

  /// Whether a connection begins nothing before its client has read something.
  ///
  /// - Parameter own: Bytes of answers that wait on it.
  func holdsUpAnswers(own: Int) -> Bool {
    own >= Self.littleAnswers && answerBytes >= answerLimit
  }

  /// Whether a connection may hold more of requests.
  ///
  /// - Parameters:
  ///   - more: Bytes that it would hold besides; 0 asks of what it holds, which is counted.
  ///   - own: Bytes that it holds.
  func mayHold(_ more: Int, own: Int) -> Bool {
    let reserve = own + more > Self.littleRequests ? requestLimit / 8 : 0
    return requestBytes + more <= requestLimit - reserve
  }

  var requestsRefused: RPCError {
    RPCError(
      .resourceExhausted,
      "the requests that the server holds take \(requestBytes) bytes of \(requestLimit), of which one "
        + "eighth is for connections with less than \(Self.littleRequests); try again later",
      isTransient: true)
  }
}
