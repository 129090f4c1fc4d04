/// Why a call of the bridge failed, for programs: the `reason` of its google.rpc.ErrorInfo.
///
/// docs/limits.md lists them; a test compares the two. A tool that fails has a reason of its own.
package enum ErrorReason: String, CaseIterable, Sendable {
  /// There is no such session.
  case sessionNotFound = "SESSION_NOT_FOUND"
  /// Another host holds the session: its `address` is in the metadata.
  case sessionElsewhere = "SESSION_ELSEWHERE"
  /// There is no such variable.
  case variableNotFound = "VARIABLE_NOT_FOUND"
  /// There is no such tool.
  case toolNotFound = "TOOL_NOT_FOUND"
  /// No such worker has registered tools in the session.
  case workerNotFound = "WORKER_NOT_FOUND"
  /// There is no such plugin.
  case pluginNotFound = "PLUGIN_NOT_FOUND"
  /// The session or variable exists already.
  case alreadyExists = "ALREADY_EXISTS"
  /// The value is of another type, or against a constraint.
  case invalidValue = "INVALID_VALUE"
  /// A parameter of a tool is missing, unknown, or has a value that the tool does not take.
  case invalidParameter = "INVALID_PARAMETER"
  /// Something else in the request is wrong.
  case invalidArgument = "INVALID_ARGUMENT"
  /// The variable has another version than the request expects.
  case versionMismatch = "VERSION_MISMATCH"
  /// So many calls of the client wait for a tool that this one's turn would come after its deadline.
  case deadlineHopeless = "DEADLINE_HOPELESS"
  /// A limit of the host is reached; the message names it.
  case limitReached = "LIMIT_REACHED"
  /// The host no longer holds that revision or version.
  case revisionTooOld = "REVISION_TOO_OLD"
  /// The epoch is of another life of the session.
  case wrongEpoch = "WRONG_EPOCH"
  /// The session or variable is in a state that forbids it.
  case failedPrecondition = "FAILED_PRECONDITION"
  /// The variable's access rules forbid it.
  case permissionDenied = "PERMISSION_DENIED"
  /// The state directory cannot be written.
  case storageUnavailable = "STORAGE_UNAVAILABLE"
  /// The host does not do that.
  case unsupported = "UNSUPPORTED"
  /// The host shuts down.
  case shuttingDown = "SHUTTING_DOWN"
  /// A mistake of the host.
  case internalError = "INTERNAL"
}
