public import NIOCore

/// Waiting times that grow with each failure in a row, spread by chance so that many clients do not
/// come back at one moment.
public struct Backoff: Sendable, Hashable {
  /// The time after the first failure.
  public var initial: TimeAmount
  /// No time is longer, chance aside.
  public var maximum: TimeAmount
  /// How many times as long each time is as the one before it, 1 or more.
  public var multiplier: Double
  /// How far a time may be from its middle, as a share of it.
  public var jitter: Double

  /// Makes times of `initial`, `initial * multiplier`, and so on up to `maximum`, each of them up to
  /// `jitter`, a share from 0 to 1, shorter or longer.
  public init(
    initial: TimeAmount, maximum: TimeAmount, multiplier: Double, jitter: Double = 0.2
  ) {
    self.initial = initial
    self.maximum = maximum
    self.multiplier = multiplier
    self.jitter = jitter
  }

  /// Times between attempts to connect.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
  public static let connecting = Backoff(
    initial: .seconds(1), maximum: .seconds(120), multiplier: 1.6)

  /// The time to wait after some failures in a row, at least one.
  func delay(
    afterFailures failures: Int, using generator: inout some RandomNumberGenerator
  ) -> TimeAmount {
    var middle = Double(initial.nanoseconds)
    let limit = Double(maximum.nanoseconds)
    for _ in 1..<max(1, failures) where middle < limit { middle *= multiplier }
    let spread = Double.random(in: -abs(jitter)...abs(jitter), using: &generator)
    return .nanoseconds(Int64(max(0, min(middle, limit) * (1 + spread))))
  }

  func delay(afterFailures failures: Int) -> TimeAmount {
    var generator = SystemRandomNumberGenerator()
    return delay(afterFailures: failures, using: &generator)
  }
}
