/// The `content-type` of requests and responses.
enum ContentType {
  /// Whether it is `application/grpc`, alone or followed by `+proto` or `;parameter`: messages of other
  /// formats (`+json`) are none that a service here understands.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Content-Type)
  static func isGRPC(_ value: UnsafeRawBufferPointer) -> Bool {
    let expected: StaticString = "application/grpc"
    guard value.hasPrefix(expected) else { return false }
    var end = expected.utf8CodeUnitCount
    let format: StaticString = "application/grpc+proto"
    if value.hasPrefix(format) { end = format.utf8CodeUnitCount }
    return value.count == end || value[end] == UInt8(ascii: ";")
  }
}
