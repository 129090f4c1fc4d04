/// What the headers of a request say, gathered field by field.
///
/// A connection has one and reuses it: header blocks come one at a time (RFC 9113 section 4.3).
struct RequestHead {
  private(set) var isPost = false
  /// `content-type` says that this is gRPC.
  private(set) var isGRPC = false
  private(set) var path: [UInt8] = []
  private(set) var timeout: [UInt8] = []
  private(set) var hasTimeout = false
  private(set) var encoding: [UInt8] = []
  /// The client takes answers in gzip.
  private(set) var acceptsGzip = false
  private(set) var hasBinaryMetadata = false
  /// Custom metadata; see `MetadataFields`.
  private(set) var fields: [UInt8] = []
  /// The size of the list as RFC 9113 section 6.5.2 counts it.
  private(set) var listSize = 0

  /// Forgets the last request, keeping memory.
  mutating func reset() {
    isPost = false
    isGRPC = false
    path.removeAll(keepingCapacity: true)
    timeout.removeAll(keepingCapacity: true)
    hasTimeout = false
    encoding.removeAll(keepingCapacity: true)
    acceptsGzip = false
    hasBinaryMetadata = false
    fields.removeAll(keepingCapacity: true)
    listSize = 0
  }

  /// Takes one field; once the list is longer than `limit`, only its size is counted on.
  mutating func add(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, limit: Int
  ) {
    listSize += name.count + value.count + 32
    if listSize > limit { return }
    switch name.count {
    case 2 where name.isEqual("te"): return
    case 5 where name.isEqual(":path"): path.append(contentsOf: value)
    case 7 where name.isEqual(":method"): isPost = value.isEqual("POST")
    case 7 where name.isEqual(":scheme"): return
    case 10 where name.isEqual(":authority"): return
    case 12 where name.isEqual("content-type"): isGRPC = ContentType.isGRPC(value)
    case 12 where name.isEqual("grpc-timeout"):
      hasTimeout = true
      timeout.append(contentsOf: value)
    case 13 where name.isEqual("grpc-encoding"): encoding.append(contentsOf: value)
    case 14 where name.isEqual("content-length"): return
    case 20 where name.isEqual("grpc-accept-encoding"):
      if Self.namesGzip(value) { acceptsGzip = true }
    default:
      if name.hasSuffix("-bin") { hasBinaryMetadata = true }
      MetadataFields.append(name: name, value: value, to: &fields)
    }
  }

  /// Whether `gzip` is one of the names that commas separate.
  private static func namesGzip(_ value: UnsafeRawBufferPointer) -> Bool {
    // What gRPC's own C, Python and Ruby clients say.
    if value.isEqual("identity, deflate, gzip") { return true }
    return value.split(separator: UInt8(ascii: ",")).contains { name in
      let name = name.drop { $0 == UInt8(ascii: " ") }
      let end = name.lastIndex { $0 != UInt8(ascii: " ") }
      guard let end else { return false }
      return UnsafeRawBufferPointer(rebasing: name[...end]).isEqual("gzip")
    }
  }
}
