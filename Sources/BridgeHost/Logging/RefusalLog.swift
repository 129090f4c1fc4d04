internal import GRPC
internal import Logging

/// Logs whom an admission refuses, but not more often than somebody can read.
final class RefusalLog: CallAdmission {
  private let admission: any CallAdmission
  private let logger: Logger
  private let refusals = RefusalCounter()

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
    let (isLogged, unsaid) = refusals.count()
    guard isLogged else { return }
    var metadata: Logger.Metadata = [
      "peer": "\(call.peer)", "path": "\(String(call.path.prefix(200)))",
      "error": "\(error.message)",
    ]
    if unsaid > 0 { metadata["not_logged"] = "\(unsaid)" }
    logger.warning("call refused", metadata: metadata)
  }
}
