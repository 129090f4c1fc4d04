/// How much the session engine holds.
public struct SessionLimits: Sendable {
  public var sessions = 100_000
  public var variablesPerSession = 1_000_000
  /// The change log of a session, from which watches replay.
  public var logChanges = 10_000
  public var logBytes = 32 * 1024 * 1024
  /// Seconds of idleness after which a session ends, unless it says otherwise.
  public var timeToLive = 3600
  /// Variables one request may name.
  public var identifiersPerRequest = 10_000
  /// Bytes of a session id or a variable name.
  public var nameLength = 255

  public init() {}
}
