/// Why an operation on sessions or variables was refused.
public struct SessionError: Error, Sendable, CustomStringConvertible {
  /// The kind of an error; `RPCError` gives each its gRPC status.
  public enum Code: Sendable, CaseIterable {
    case sessionNotFound
    /// The session is held by another host, whose `address` is among the details.
    case elsewhere
    case variableNotFound
    case alreadyExists
    /// A value of the wrong type or against a constraint, or a malformed constraint.
    case invalidValue
    /// A name, id or option outside what is taken.
    case invalidArgument
    case versionMismatch
    case limitReached
    /// A watch cannot resume because the log no longer reaches back that far.
    case tooOld
    /// A resume from a revision or epoch that this session never had.
    case wrongEpoch
    case permissionDenied
    case failedPrecondition
    case unsupported
    /// What is to be kept across restarts cannot be stored now.
    case storageUnavailable
  }

  /// The kind of the error.
  public let code: Code
  /// Whether a limit of load refused it, before anything was done: the same may succeed a little later.
  public let isTransient: Bool
  /// What was wrong and with which value, for a person.
  public let message: String
  /// Facts for a program: `current_version`, `oldest_revision`, ...
  public let details: [String: String]

  /// Makes an error; see the properties for what they mean.
  public init(
    _ code: Code, _ message: String, details: [String: String] = [:], isTransient: Bool = false
  ) {
    self.code = code
    self.isTransient = isTransient
    self.message = message
    self.details = details
  }

  public var description: String { message }
}
