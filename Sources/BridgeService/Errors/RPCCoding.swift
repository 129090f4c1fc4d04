internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
public import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

extension BridgeService {
  /// An RPC that is answered at once, with its errors mapped.
  func unary<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ handler: @escaping @Sendable (Request, ServerCall) throws -> Response
  ) -> RPCMethod {
    .unary(method.path) { bytes, call throws(RPCError) in
      let request: Request = try decode(bytes)
      return try mappingErrors { try handler(request, call).rpcBytes() }
    }
  }

  /// As `unary`, for requests with metadata.
  ///
  /// - Parameter field: Of the metadata, a `map<string, string>`.
  func unary<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, metadata field: Int,
    _ handler: @escaping @Sendable (Request, VariableMetadata, ServerCall) throws -> Response
  ) -> RPCMethod {
    .unary(method.path) { bytes, call throws(RPCError) in
      let request: Request = try decode(bytes)
      return try mappingErrors {
        try handler(request, VariableMetadata(of: bytes, field: field), call).rpcBytes()
      }
    }
  }
}

/// Reads a request, whose keys are looked at first.
func decode<Request: Message>(_ bytes: [UInt8]) throws(RPCError) -> Request {
  try mappingErrors { try MessageGuard.checkKeys(of: bytes) }
  return try Request(request: bytes)
}

/// Runs the body of an RPC; what it throws becomes a status.
func mappingErrors<Result>(_ body: () throws -> Result) throws(RPCError) -> Result {
  do {
    return try body()
  } catch {
    throw RPCError(mapping: error)
  }
}

extension String {
  /// This text, or its beginning where it has more UTF-8 bytes than the limit.
  func shortened(to limit: Int) -> String {
    utf8.count <= limit ? self : String(decoding: utf8.prefix(limit), as: UTF8.self) + "…"
  }
}

extension BridgeService {
  /// The details of an error that has none: those of the gRPC layer, of a request that is no message and
  /// of admission. Its reason is the status's name, and LIMIT_REACHED for a limit.
  ///
  /// - Returns: A serialized google.rpc.Status with an ErrorInfo, and a RetryInfo where it says so.
  @Sendable
  public static func errorDetails(of error: RPCError) -> [UInt8] {
    let reason =
      error.code == .resourceExhausted ? ErrorReason.limitReached.rawValue : error.code.name
    return RPCError(
      error.code, error.message.shortened(to: 1024), reasonText: reason,
      isTransient: error.isTransient
    ).details
  }
}

extension RPCError {
  /// Of the errors of this host.
  private static let domain = "bridge-host"

  /// The status for an error of any module: the one place where errors become gRPC statuses.
  init(mapping error: any Error) {
    switch error {
    case let error as RPCError: self = error
    case let error as SessionError: self.init(error)
    case let error as ToolsError: self.init(error)
    case is SearchInterruption: self.init(.cancelled, "the call has ended")
    default: self.init(.internalError, "\(error)", reason: .internalError)
    }
  }

  /// The status for an error of sessions.
  init(_ error: SessionError) {
    let (code, reason): (StatusCode, ErrorReason) =
      switch error.code {
      case .sessionNotFound: (.notFound, .sessionNotFound)
      case .elsewhere: (.unavailable, .sessionElsewhere)
      case .variableNotFound: (.notFound, .variableNotFound)
      case .alreadyExists: (.alreadyExists, .alreadyExists)
      case .invalidValue: (.invalidArgument, .invalidValue)
      case .invalidArgument: (.invalidArgument, .invalidArgument)
      case .versionMismatch: (.aborted, .versionMismatch)
      case .limitReached: (.resourceExhausted, .limitReached)
      case .tooOld: (.outOfRange, .revisionTooOld)
      case .wrongEpoch: (.failedPrecondition, .wrongEpoch)
      case .failedPrecondition: (.failedPrecondition, .failedPrecondition)
      case .permissionDenied: (.permissionDenied, .permissionDenied)
      case .storageUnavailable: (.unavailable, .storageUnavailable)
      case .unsupported: (.unimplemented, .unsupported)
      }
    self.init(
      code, error.message, reason: reason, facts: error.details, isTransient: error.isTransient)
  }

  /// The status for an error of tools.
  init(_ error: ToolsError) {
    let (code, reason): (StatusCode, ErrorReason) =
      switch error.code {
      case .toolNotFound: (.notFound, .toolNotFound)
      case .pluginNotFound: (.notFound, .pluginNotFound)
      case .invalidParameter, .invalidSchema: (.invalidArgument, .invalidParameter)
      case .limitReached: (.resourceExhausted, .limitReached)
      case .nameTaken: (.alreadyExists, .alreadyExists)
      case .hopelessDeadline: (.deadlineExceeded, .deadlineHopeless)
      case .failedPrecondition: (.failedPrecondition, .failedPrecondition)
      }
    self.init(
      code, error.message, reason: reason, facts: error.details, isTransient: error.isTransient)
  }

  /// The text goes out twice and the facts beside it: cut, so that all fits into trailers.
  private init(
    _ code: StatusCode, _ message: String, reason: ErrorReason, facts: [String: String],
    isTransient: Bool
  ) {
    self.init(
      code, message.shortened(to: 1024), reason: reason,
      metadata: facts.mapValues { $0.shortened(to: 256) }, isTransient: isTransient)
  }

  /// A status with a google.rpc.ErrorInfo.
  init(
    _ code: StatusCode, _ message: String, reason: ErrorReason, metadata: [String: String] = [:],
    isTransient: Bool = false
  ) {
    self.init(
      code, message, reasonText: reason.rawValue, metadata: metadata, isTransient: isTransient)
  }

  /// A status with a google.rpc.ErrorInfo, and with a google.rpc.RetryInfo where the same call may succeed
  /// later: the one place where that is said.
  ///
  /// - Parameters:
  ///   - reasonText: In UPPER_SNAKE_CASE, for reasons that are not the host's own.
  ///   - metadata: Facts for programs, for example `current_version`.
  ///   - isTransient: Whether the same call may succeed later. Of statuses that mean load alone.
  init(
    _ code: StatusCode, _ message: String, reasonText: String, metadata: [String: String] = [:],
    isTransient: Bool = false
  ) {
    let info = Google_Rpc_ErrorInfo.with {
      $0.reason = reasonText
      $0.domain = Self.domain
      $0.metadata = metadata
    }
    var details: [any Message] = [info]
    if isTransient, code == .resourceExhausted || code == .unavailable {
      details.append(Self.retryHint)
    }
    self.init(code, message, packing: details)
    self.isTransient = isTransient
  }

  /// When to try again: in half a second to one and a half. Each client is told another time, so that they
  /// do not all come back at once.
  private static var retryHint: Google_Rpc_RetryInfo {
    let milliseconds = Int64.random(in: 500..<1500)
    return .with {
      $0.retryDelay = .with {
        $0.seconds = milliseconds / 1000
        $0.nanos = Int32(milliseconds % 1000) * 1_000_000
      }
    }
  }
}
