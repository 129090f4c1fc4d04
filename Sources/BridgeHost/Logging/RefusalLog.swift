internal import GRPC
internal import Logging
internal import Threads

/// Logs whom an admission refuses, but not more often than somebody can read.
final class RefusalLog: CallAdmission {
  private struct Window {
    var begin: Int64 = 0
    var count = 0
  }

  private let admission: any CallAdmission
  private let logger: Logger
  private let window = Locked(Window())

  /// Lines in a window, and its length in nanoseconds.
  private static let limit = 5
  private static let length: Int64 = 10_000_000_000

  init(_ admission: any CallAdmission, logger: Logger) {
    self.admission = admission
    self.logger = logger
  }

  func admit(_ call: ArrivingCall) throws(RPCError) {
    do {
      try admission.admit(call)
    } catch {
      log(call, error)
      throw error
    }
  }

  private func log(_ call: ArrivingCall, _ error: RPCError) {
    let (isLogged, unsaid) = window.withLock { window in Self.count(&window, MonotonicClock.now) }
    guard isLogged else { return }
    var metadata: Logger.Metadata = [
      "peer": "\(call.peer)", "path": "\(String(call.path.prefix(200)))",
      "error": "\(error.message)",
    ]
    if unsaid > 0 { metadata["not_logged"] = "\(unsaid)" }
    logger.warning("call refused", metadata: metadata)
  }

  /// Whether the refusal is logged, and how many before it were not.
  private static func count(_ window: inout Window, _ now: Int64) -> (isLogged: Bool, unsaid: Int) {
    var unsaid = 0
    if window.begin == 0 || now - window.begin >= length {
      unsaid = max(0, window.count - limit)
      window = Window(begin: now, count: 0)
    }
    window.count += 1
    return (window.count <= limit, unsaid)
  }
}
