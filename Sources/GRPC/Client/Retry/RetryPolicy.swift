public import NIOCore

/// Which calls are made again, how often, and when.
///
/// A call is made again only while nothing of its response has arrived. Whether the server has
/// acted on it already, nobody can tell then: use it for calls that may run twice. Calls which the
/// server certainly did not see are made again without a policy.
///
/// Source: https://github.com/grpc/proposal/blob/master/A6-client-retries.md
public struct RetryPolicy: Sendable, Hashable {
  /// Attempts in all, the first one counted.
  public var maxAttempts: Int
  /// The times between attempts. A server that says `grpc-retry-pushback-ms` decides the next one
  /// itself.
  public var backoff: Backoff
  /// The statuses after which a call is made again.
  public var retryableCodes: Set<StatusCode>

  /// Makes a policy; `retryableCodes` should hold what the server answers before it has done
  /// anything.
  public init(
    maxAttempts: Int = 4,
    backoff: Backoff = Backoff(
      initial: .milliseconds(100), maximum: .seconds(5), multiplier: 2),
    retryableCodes: Set<StatusCode> = [.unavailable]
  ) {
    self.maxAttempts = maxAttempts
    self.backoff = backoff
    self.retryableCodes = retryableCodes
  }

  /// Every call is made once.
  public static let none = RetryPolicy(maxAttempts: 1)
}
