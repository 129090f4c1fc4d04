internal import NIOCore

/// The header fields of requests.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Requests)
struct RequestFields {
  /// Those every call of a client begins with.
  private let common: HeaderFields

  init(authority: String, scheme: String, userAgent: String) {
    var fields = HeaderFields()
    fields.add(":method", "POST")
    fields.add(":scheme", scheme)
    fields.add(":authority", authority)
    fields.add("te", "trailers")
    fields.add("content-type", "application/grpc")
    fields.add("grpc-accept-encoding", MessageEncoding.accepted)
    fields.add("user-agent", userAgent)
    common = fields
  }

  /// - Parameters:
  ///   - timeout: What is left of the call's time.
  ///   - compresses: Whether requests may be in gzip.
  ///   - previousAttempts: Earlier attempts at the call, which its server may have acted on.
  func fields(
    path: String, timeout: TimeAmount?, compresses: Bool, metadata: Metadata,
    previousAttempts: Int
  ) -> HeaderFields {
    // Pseudo-header fields come first (RFC 9113 section 8.3).
    var fields = HeaderFields()
    fields.add(":path", path)
    fields.append(common)
    if let timeout { fields.add("grpc-timeout", Timeout.text(timeout)) }
    if compresses { fields.add("grpc-encoding", "gzip") }
    if previousAttempts > 0 {
      fields.add("grpc-previous-rpc-attempts", String(previousAttempts))
    }
    fields.add(metadata)
    return fields
  }

  /// Refuses metadata that HTTP/2 or gRPC would not carry as it is.
  static func check(_ metadata: Metadata) throws(RPCError) {
    let size = metadata.entries.reduce(0) { $0 + $1.key.utf8.count + $1.wireValue.utf8.count + 12 }
    guard size <= largestMetadata else {
      throw RPCError(
        .resourceExhausted,
        "metadata of \(size) bytes is over the limit of \(largestMetadata) bytes")
    }
    for entry in metadata.entries {
      guard !entry.key.isEmpty, entry.key.utf8.allSatisfy(isKeyCharacter) else {
        throw RPCError(
          .invalidArgument, "metadata key \"\(entry.key)\" is not of the characters a-z 0-9 _ - .")
      }
      guard !entry.key.hasPrefix("grpc-"), !reserved.contains(entry.key) else {
        throw RPCError(.invalidArgument, "metadata key \"\(entry.key)\" is reserved")
      }
      guard entry.wireValue.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) else {
        throw RPCError(
          .invalidArgument,
          "metadata \"\(entry.key)\" is not printable ASCII; bytes travel under keys with -bin")
      }
    }
  }

  /// nghttp2 sends no header block over 64 KiB; calls have other fields as well.
  private static let largestMetadata = 60 * 1024

  private static let reserved: Set<String> = [
    "te", "content-type", "content-length", "user-agent", "host", "connection", "keep-alive",
    "proxy-connection", "transfer-encoding", "upgrade",
  ]

  private static func isKeyCharacter(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}
