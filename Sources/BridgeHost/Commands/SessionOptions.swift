internal import ArgumentParser
internal import BridgeSessions

/// The options of `serve` that bound what sessions hold.
struct SessionOptions: ParsableArguments {
  @Option(1...2_147_483_647, help: "Seconds of idleness after which a session ends.")
  var sessionTtl = 3600

  @Option(1...100_000_000, help: "Sessions held at most.")
  var maxSessions = 100_000

  @Option(1...100_000_000, help: "Variables held at most in one session.")
  var maxVariables = 1_000_000

  @Option(1024...1 << 50, help: "Bytes the values of one session may take, about.")
  var maxSessionBytes = 1 << 30

  @Option(1024...1 << 50, help: "Bytes the values of all sessions may take, about.")
  var maxBytes = 8 << 30

  @Option(
    0...1_000_000, help: "Past versions a variable keeps, for history and rollback; 0 keeps none.")
  var historyVersions = 100

  @Option(0...1 << 40, help: "Bytes the past versions of one session may take.")
  var historyBytes = 16 << 20

  @Option(1...100_000_000, help: "Changes a session keeps, for watches to resume from.")
  var watchLogChanges = 10_000

  @Option(1024...1 << 40, help: "Bytes those changes may take.")
  var watchLogBytes = 32 * 1024 * 1024

  /// What the store of sessions is made with.
  var limits: SessionLimits {
    var limits = SessionLimits()
    limits.sessions = maxSessions
    limits.variablesPerSession = maxVariables
    limits.sessionBytes = maxSessionBytes
    limits.totalBytes = maxBytes
    limits.historyVersions = historyVersions
    limits.historyBytes = historyBytes
    limits.logChanges = watchLogChanges
    limits.logBytes = watchLogBytes
    limits.timeToLive = sessionTtl
    return limits
  }
}
