/// What the headers or the trailers of a response say, gathered field by field.
///
/// A connection has one and reuses it: header blocks come one at a time (RFC 9113 section 4.3).
struct ResponseHead {
  /// Nil in trailers.
  private(set) var httpStatus: Int?
  private(set) var contentType: String?
  private var hasContentTypeOfGRPC = false
  private(set) var encoding: String?
  private var grpcStatus: String?
  private var grpcMessage = ""
  private var details: [UInt8] = []
  private var pushback: RetryState.Pushback?
  private(set) var metadata = Metadata()
  /// The size of the list as RFC 9113 section 6.5.2 counts it.
  private(set) var listSize = 0

  /// Takes one field; once the list is longer than `limit`, only its size is counted on.
  mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, limit: Int) {
    listSize += name.count + value.count + 32
    if listSize > limit { return }
    switch name.count {
    case 7 where name.isEqual(":status"): httpStatus = Int(Self.text(value))
    case 11 where name.isEqual("grpc-status"): grpcStatus = Self.text(value)
    case 12 where name.isEqual("content-type"):
      contentType = Self.text(value)
      hasContentTypeOfGRPC = ContentType.isGRPC(value)
    case 12 where name.isEqual("grpc-message"): grpcMessage = PercentEncoding.decode(value)
    case 13 where name.isEqual("grpc-encoding"): encoding = Self.text(value)
    case 14 where name.isEqual("content-length"): return
    case 22 where name.isEqual("grpc-retry-pushback-ms"):
      pushback = RetryState.Pushback(Self.text(value))
    case 23 where name.isEqual("grpc-status-details-bin"):
      // Details that cannot be read are none: the status itself matters more.
      details = Base64.decode(value) ?? []
    default:
      if name.hasPrefix("grpc-") || name.hasPrefix(":") { return }
      metadata.add(wireValue: Self.text(value), for: Self.text(name))
    }
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// An HTTP status of 100 to 199: the response itself is still to come.
  var isInformational: Bool { httpStatus.map { 100..<200 ~= $0 } ?? false }

  /// Whether this begins a gRPC response.
  var isGRPC: Bool { httpStatus == 200 && hasContentTypeOfGRPC }

  /// The end that a response which is not gRPC stands for.
  var endOfOtherResponse: CallEnd {
    let status = httpStatus ?? 0
    let type = contentType.map { "content-type \($0)" } ?? "no content-type"
    var error = RPCError(
      StatusCode(http: status), "the server answered HTTP \(status) with \(type), not gRPC")
    error.headers = metadata
    return CallEnd(error: error)
  }

  /// The end that trailers, or a response of nothing but headers, tell.
  var end: CallEnd {
    guard let grpcStatus else {
      return httpStatus == nil || isGRPC
        ? .failed(.unknown, "the server ended the call without a grpc-status")
        : endOfOtherResponse
    }
    var end = CallEnd(trailers: metadata, pushback: pushback)
    if let number = Int32(grpcStatus), let code = StatusCode(rawValue: number) {
      if code == .ok { return end }
      end.error = RPCError(code, grpcMessage, details: details, metadata: metadata)
    } else {
      let note = "the server answered grpc-status \"\(grpcStatus)\", which does not exist"
      end.error = RPCError(
        .unknown, grpcMessage.isEmpty ? note : "\(grpcMessage) (\(note))", details: details,
        metadata: metadata)
    }
    return end
  }
}
