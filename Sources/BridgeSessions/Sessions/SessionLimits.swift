/// How much the session engine holds.
public struct SessionLimits: Sendable {
  /// Sessions of the host.
  public var sessions = 100_000
  /// Variables of one session.
  public var variablesPerSession = 1_000_000
  /// Bytes the present values of one session, and of all, may take; about, not to the byte.
  public var sessionBytes = 1 << 30
  /// As `sessionBytes`, of all sessions together.
  public var totalBytes = 8 << 30
  /// Past versions kept of one variable, and the bytes those of a session may take.
  public var historyVersions = 100
  /// Bytes that the past versions of a session may take.
  public var historyBytes = 16 << 20
  /// Dependencies in one session.
  public var dependencies = 10_000
  /// The change log of a session, from which watches replay.
  public var logChanges = 10_000
  /// Bytes that the changes of the log may take.
  public var logBytes = 32 * 1024 * 1024
  /// Seconds of idleness after which a session ends, unless it says otherwise.
  public var timeToLive = 3600
  /// Variables one request may name.
  public var identifiersPerRequest = 10_000
  /// Patterns among those: each is compared with every name.
  public var patternsPerRequest = 100
  /// Bytes of a session id or a variable name.
  public var nameLength = 255

  /// The defaults of `bridge-host serve`.
  public init() {}
}
