internal import BridgeProtocol
internal import BridgeService
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf

extension SessionError {
  /// What a call that failed at another host means to a tool here.
  init(_ error: RPCError, from host: SessionHost) {
    if let info = error.details(as: Google_Rpc_ErrorInfo.self).first,
      let code = ErrorReason(rawValue: info.reason).flatMap(Self.code)
    {
      self.init(code, error.message, details: info.metadata)
      return
    }
    switch error.code {
    case .unauthenticated, .permissionDenied:
      self.init(
        .permissionDenied,
        "the host at \(host.address), which holds the sessions, refuses this one: \(error.message)")
    case .unimplemented:
      self.init(
        .unsupported,
        "the host at \(host.address), which holds the sessions, does not know what it was asked for; "
          + "it needs a version that is as new as this one")
    case .invalidArgument: self.init(.invalidArgument, error.message)
    case .resourceExhausted: self.init(.limitReached, error.message, isTransient: true)
    default:
      self.init(
        .elsewhere,
        "the host at \(host.address), which holds the sessions, did not answer (\(error.code.name)): "
          + error.message, details: ["address": host.address], isTransient: true)
    }
  }

  private static func code(_ reason: ErrorReason) -> SessionError.Code? {
    switch reason {
    case .sessionNotFound: .sessionNotFound
    case .sessionElsewhere: .elsewhere
    case .variableNotFound: .variableNotFound
    case .alreadyExists: .alreadyExists
    case .invalidValue: .invalidValue
    case .invalidArgument: .invalidArgument
    case .versionMismatch: .versionMismatch
    case .limitReached: .limitReached
    case .revisionTooOld: .tooOld
    case .wrongEpoch: .wrongEpoch
    case .failedPrecondition: .failedPrecondition
    case .permissionDenied: .permissionDenied
    case .storageUnavailable: .storageUnavailable
    case .unsupported: .unsupported
    case .toolNotFound, .workerNotFound, .pluginNotFound, .invalidParameter, .deadlineHopeless,
      .shuttingDown, .internalError:
      nil
    }
  }
}
