/// How a call, or an attempt at it, ended.
struct CallEnd: Sendable {
  /// Nil for OK.
  var error: RPCError?
  /// Trailing metadata; an error carries it as well.
  var trailers = Metadata()
  /// What the server said of another attempt.
  var pushback: RetryState.Pushback?

  static func failed(_ code: StatusCode, _ message: String) -> CallEnd {
    CallEnd(error: RPCError(code, message))
  }
}
