internal import NIOCore

/// Decides whether a call that failed is made again. Pure: it holds no timer.
struct RetryState {
  let policy: RetryPolicy
  /// Attempts that count: those the server may have acted on.
  private(set) var failures = 0
  /// Failures in a row since the server last said when to come back.
  private var failuresInRow = 0
  private var wasRefused = false

  /// How far an attempt got.
  enum Progress {
    /// Nothing of it was sent.
    case unsent
    /// The server promises not to have acted on it: REFUSED_STREAM, or beyond a GOAWAY's last stream.
    case refused
    /// The server may have acted on it.
    case sent
  }

  /// What the server said about another attempt, in `grpc-retry-pushback-ms`.
  enum Pushback: Equatable {
    case after(TimeAmount)
    case never

    /// A value that is no number of milliseconds means never.
    init(_ text: String) {
      if let milliseconds = Int64(text), milliseconds >= 0, milliseconds <= Int64(Int32.max) {
        self = .after(.milliseconds(milliseconds))
      } else {
        self = .never
      }
    }
  }

  enum Decision: Equatable {
    case giveUp
    case now
    case after(TimeAmount)
  }

  init(policy: RetryPolicy) { self.policy = policy }

  mutating func decide(
    _ code: StatusCode, _ progress: Progress, _ pushback: Pushback?,
    using generator: inout some RandomNumberGenerator
  ) -> Decision {
    // Whoever connects sees to it that a server which takes nothing is not besieged.
    if progress == .unsent { return .now }
    if progress == .refused && !wasRefused {
      // Once, as the source of `RetryPolicy` has it: a server that refuses all is not besieged.
      wasRefused = true
      return .now
    }
    failures += 1
    failuresInRow += 1
    guard policy.retryableCodes.contains(code), failures < policy.maxAttempts else {
      return .giveUp
    }
    switch pushback {
    case .never: return .giveUp
    case .after(let time):
      failuresInRow = 0
      return .after(time)
    case nil:
      return .after(policy.backoff.delay(afterFailures: failuresInRow, using: &generator))
    }
  }
}
