internal import BridgePluginHost
internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import SwiftProtobuf

extension BridgeService {
  /// An RPC that is answered at once: its messages read, written, and its errors mapped.
  func unary<Request: Message, Response: Message>(
    _ name: String,
    _ handler: @escaping @Sendable (Request, ServerCall) throws -> Response
  ) -> RPCMethod {
    .unary(Self.path(name)) { bytes, call throws(RPCError) in
      let request: Request = try decode(bytes)
      return try mappingErrors { try handler(request, call).serializedBytes() }
    }
  }
}

/// Reads a request.
func decode<Request: Message>(_ bytes: [UInt8]) throws(RPCError) -> Request {
  do {
    return try Request(serializedBytes: bytes)
  } catch {
    throw malformed(Request.protoMessageName)
  }
}

func malformed(_ message: String) -> RPCError {
  RPCError(.internalError, "the request is not a well-formed \(message)")
}

/// Runs the body of an RPC; what it throws becomes a status.
func mappingErrors<Result>(_ body: () throws -> Result) throws(RPCError) -> Result {
  do {
    return try body()
  } catch let error as RPCError {
    throw error
  } catch let error as SessionError {
    throw RPCError(error)
  } catch {
    throw RPCError(.internalError, "\(error)")
  }
}

extension String {
  /// This text, or its beginning where it has more UTF-8 bytes than the limit.
  func shortened(to limit: Int) -> String {
    utf8.count <= limit ? self : String(decoding: utf8.prefix(limit), as: UTF8.self) + "…"
  }
}

/// The one place where errors of sessions become gRPC statuses.
extension RPCError {
  init(_ error: SessionError) {
    let (code, reason): (StatusCode, String) =
      switch error.code {
      case .sessionNotFound: (.notFound, "SESSION_NOT_FOUND")
      case .variableNotFound: (.notFound, "VARIABLE_NOT_FOUND")
      case .alreadyExists: (.alreadyExists, "ALREADY_EXISTS")
      case .invalidValue: (.invalidArgument, "INVALID_VALUE")
      case .invalidArgument: (.invalidArgument, "INVALID_ARGUMENT")
      case .versionMismatch: (.aborted, "VERSION_MISMATCH")
      case .limitReached: (.resourceExhausted, "LIMIT_REACHED")
      case .tooOld: (.outOfRange, "REVISION_TOO_OLD")
      case .wrongEpoch: (.failedPrecondition, "WRONG_EPOCH")
      case .failedPrecondition: (.failedPrecondition, "FAILED_PRECONDITION")
      case .permissionDenied: (.permissionDenied, "PERMISSION_DENIED")
      case .storageUnavailable: (.unavailable, "STORAGE_UNAVAILABLE")
      case .unsupported: (.unimplemented, "UNSUPPORTED")
      }
    // The text goes out twice and the facts beside it: cut, so that all fits into trailers.
    let message = error.message.shortened(to: 1024)
    self.init(
      code, message,
      details: StatusDetails.encode(
        code: code.rawValue, message: message, reason: reason,
        metadata: error.details.mapValues { $0.shortened(to: 256) }))
  }
}
