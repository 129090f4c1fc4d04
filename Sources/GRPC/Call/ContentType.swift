/// The `content-type` of requests and responses.
enum ContentType {
  /// Whether it is `application/grpc`, alone or followed by `+format` or `;parameter`.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Content-Type)
  static func isGRPC(_ value: UnsafeRawBufferPointer) -> Bool {
    let expected: StaticString = "application/grpc"
    guard value.hasPrefix(expected) else { return false }
    if value.count == expected.utf8CodeUnitCount { return true }
    let next = value[expected.utf8CodeUnitCount]
    return next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
  }
}
