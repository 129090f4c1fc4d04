internal import JSON
public import NIOCore

/// How a worker tells Elixir that it lives: `SNAKEPIT_HEARTBEAT_CONFIG`.
public struct HeartbeatConfiguration: Sendable, Equatable {
  /// Whether heartbeats are sent.
  public var isEnabled = true
  /// Whether the worker ends when nobody answers them.
  public var isDependent = true
  /// Between two heartbeats of a session.
  public var interval = TimeAmount.seconds(2)
  /// How long an answer may take.
  public var timeout = TimeAmount.seconds(10)
  /// Before the first one.
  public var initialDelay = TimeAmount.zero
  /// So many in a row without an answer, and nobody is there.
  public var maxMissed = 3

  /// What holds where nothing is said.
  public init() {}

  /// Reads a JSON object. What is missing, or of another type, stays as it is usually.
  ///
  /// - Returns: nil for what is no JSON object.
  public init?(json text: String) {
    guard let json = try? JSON(parsing: text), case .object = json else { return nil }
    if let flag = json["enabled"]?.flag { isEnabled = flag }
    if let flag = json["dependent"]?.flag { isDependent = flag }
    if let time = json["interval_ms"]?.milliseconds { interval = max(time, Self.leastInterval) }
    if let time = json["timeout_ms"]?.milliseconds { timeout = max(time, .milliseconds(1)) }
    if let time = json["initial_delay_ms"]?.milliseconds { initialDelay = time }
    if case .integer(let count)? = json["max_missed_heartbeats"] {
      maxMissed = Int(clamping: max(1, count))
    }
  }

  private static let leastInterval = TimeAmount.milliseconds(10)
}

extension JSON {
  fileprivate var flag: Bool? {
    switch self {
    case .boolean(let flag): flag
    case .string(let text): ["1", "true", "t", "yes", "y", "on"].contains(text.lowercased())
    default: nil
    }
  }

  /// No more than a day.
  fileprivate var milliseconds: TimeAmount? {
    guard case .integer(let count) = self, count >= 0 else { return nil }
    return .milliseconds(min(count, 86_400_000))
  }
}
