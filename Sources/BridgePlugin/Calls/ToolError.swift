internal import BridgePluginABI

/// Why a tool fails, or why the host refused what a tool asked for.
///
/// Thrown out of a tool it becomes the answer to the caller, with all its fields. Any other error
/// becomes `unknown` with the error's description and the name of its type.
public struct ToolError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A code, as gRPC has them. Others may come from a newer host.
  public struct Code: RawRepresentable, Sendable, Hashable {
    /// The number gRPC gives the code.
    public let rawValue: Int32

    /// Makes a code from gRPC's number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
  }

  /// What kind of failure it is.
  public let code: Code
  /// What was wrong and with which value, for a person.
  public let message: String
  /// A short name for a program; may be empty.
  public let type: String
  /// Whether the same call may succeed later.
  public let isRetryable: Bool
  /// Facts for a program: a JSON object.
  public let details: JSONText?

  /// Describes a failure.
  public init(
    _ code: Code, _ message: String, type: String = "", retryable: Bool = false,
    details: JSONText? = nil
  ) {
    self.code = code
    self.message = message
    self.type = type
    self.isRetryable = retryable
    self.details = details
  }

  /// The message.
  public var description: String { message }

  /// Copies an error of the host.
  init(_ error: bridge_error) {
    self.init(
      Code(rawValue: error.code), String(error.message), type: String(error.type),
      retryable: error.flags & UInt32(BRIDGE_ERROR_RETRYABLE) != 0,
      details: error.details.bytes.isEmpty
        ? nil : JSONText(String(error.details), kind: .object))
  }

  /// What any error means to a caller.
  init(_ error: any Error) {
    self =
      error as? ToolError
      ?? ToolError(
        .unknown, String(describing: error), type: String(describing: Swift.type(of: error)))
  }
}

extension ToolError.Code {
  /// The caller or the host ended the call.
  public static let cancelled = Self(rawValue: 1)
  /// Nothing better is known.
  public static let unknown = Self(rawValue: 2)
  /// The caller asked for what makes no sense.
  public static let invalidArgument = Self(rawValue: 3)
  /// The time was over.
  public static let deadlineExceeded = Self(rawValue: 4)
  /// There is no such thing.
  public static let notFound = Self(rawValue: 5)
  /// There is one already.
  public static let alreadyExists = Self(rawValue: 6)
  /// The caller, or the tool, may not do that.
  public static let permissionDenied = Self(rawValue: 7)
  /// A limit is reached.
  public static let resourceExhausted = Self(rawValue: 8)
  /// The state of things does not allow it; trying again alone does not help.
  public static let failedPrecondition = Self(rawValue: 9)
  /// Somebody else was faster; try again from the start.
  public static let aborted = Self(rawValue: 10)
  /// Past the end.
  public static let outOfRange = Self(rawValue: 11)
  /// Not there yet.
  public static let unimplemented = Self(rawValue: 12)
  /// A bug: something that cannot be has happened.
  public static let internalError = Self(rawValue: 13)
  /// Not now; trying again may help.
  public static let unavailable = Self(rawValue: 14)
  /// Data is lost.
  public static let dataLoss = Self(rawValue: 15)
  /// It is not known who calls.
  public static let unauthenticated = Self(rawValue: 16)

  /// The code as a tool may return it: `unknown` for what is no failure or not known.
  var status: bridge_status { (1...16).contains(rawValue) ? rawValue : Self.unknown.rawValue }
}
