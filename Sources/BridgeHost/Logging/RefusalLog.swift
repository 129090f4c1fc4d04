internal import GRPC
internal import Logging
internal import Threads

/// Logs whom an admission refuses, but not more often than somebody can read.
final class RefusalLog: CallAdmission {
  private let admission: any CallAdmission
  private let logger: Logger
  private let window = Locked(RefusalWindow())

  init(_ admission: any CallAdmission, logger: Logger) {
    self.admission = admission
    self.logger = logger
  }

  var asksForCredentials: Bool { admission.asksForCredentials }

  func isExempt(_ call: ArrivingCall) -> Bool { admission.isExempt(call) }

  func admit(_ call: ArrivingCall) throws(RPCError) {
    do {
      try admission.admit(call)
    } catch {
      log(call, error)
      throw error
    }
  }

  private func log(_ call: ArrivingCall, _ error: RPCError) {
    let (isLogged, unsaid) = window.withLock { $0.count(at: MonotonicClock.now) }
    guard isLogged else { return }
    var metadata: Logger.Metadata = [
      "peer": "\(call.peer)", "path": "\(String(call.path.prefix(200)))",
      "error": "\(error.message)",
    ]
    if unsaid > 0 { metadata["not_logged"] = "\(unsaid)" }
    logger.warning("call refused", metadata: metadata)
  }
}

/// Counts refusals, and lets the first few of each window be logged.
struct RefusalWindow {
  private var begin: Int64?
  private var count = 0

  /// Lines in a window, and its length in nanoseconds.
  static let limit = 5
  static let length: Int64 = 10_000_000_000

  /// - Parameter now: Of a clock that never goes back, in nanoseconds.
  /// - Returns: Whether this refusal is logged, and how many before it were not.
  mutating func count(at now: Int64) -> (isLogged: Bool, unsaid: Int) {
    var unsaid = 0
    if begin.map({ now - $0 >= Self.length }) ?? true {
      unsaid = max(0, count - Self.limit)
      begin = now
      count = 0
    }
    count += 1
    return (count <= Self.limit, unsaid)
  }
}
