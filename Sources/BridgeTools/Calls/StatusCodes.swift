package import BridgeSessions

extension SessionError.Code {
  /// The status code of an error, with gRPC's numbers, as tools are told it.
  package var statusCode: Int32 {
    switch self {
    case .sessionNotFound, .variableNotFound: 5
    case .alreadyExists: 6
    case .invalidValue, .invalidArgument: 3
    case .versionMismatch: 10
    case .limitReached: 8
    case .tooOld: 11
    case .wrongEpoch, .failedPrecondition: 9
    case .permissionDenied: 7
    case .unsupported: 12
    case .storageUnavailable, .elsewhere: 14
    }
  }
}

extension ToolsError.Code {
  /// As of `SessionError.Code`.
  package var statusCode: Int32 {
    switch self {
    case .toolNotFound, .pluginNotFound: 5
    case .invalidParameter, .invalidSchema: 3
    case .limitReached: 8
    case .nameTaken: 6
    case .hopelessDeadline: 4
    case .failedPrecondition: 9
    }
  }
}
