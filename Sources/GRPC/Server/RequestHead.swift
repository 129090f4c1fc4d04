internal import Glibc

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

/// Metadata as it came, in one array: name, NUL, value, NUL, and so on. HTTP/2 admits no NUL in
/// either. Calls of one client often repeat each other's and then share the array.
enum MetadataFields {
  static func append(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, to fields: inout [UInt8]
  ) {
    fields.append(contentsOf: name)
    fields.append(0)
    fields.append(contentsOf: value)
    fields.append(0)
  }

  static func contains(_ key: StaticString, in fields: [UInt8]) -> Bool {
    fields.withUnsafeBytes { fields in
      var start = 0
      var isName = true
      for index in fields.indices where fields[index] == 0 {
        if isName && UnsafeRawBufferPointer(rebasing: fields[start..<index]).isEqual(key) {
          return true
        }
        start = index + 1
        isName.toggle()
      }
      return false
    }
  }

  /// The values of a key, in order.
  static func values(of key: StaticString, in fields: [UInt8]) -> [ArraySlice<UInt8>] {
    var found: [ArraySlice<UInt8>] = []
    fields.withUnsafeBytes { bytes in
      var start = 0
      var name = 0..<0
      var isName = true
      for index in bytes.indices where bytes[index] == 0 {
        if isName {
          name = start..<index
        } else if UnsafeRawBufferPointer(rebasing: bytes[name]).isEqual(key) {
          found.append(fields[start..<index])
        }
        start = index + 1
        isName.toggle()
      }
    }
    return found
  }

  static func metadata(of fields: [UInt8]) -> Metadata {
    var metadata = Metadata()
    let parts = fields.split(separator: 0, omittingEmptySubsequences: false)
    var index = 0
    while index + 1 < parts.count {
      metadata.add(
        wireValue: String(decoding: parts[index + 1], as: UTF8.self),
        for: String(decoding: parts[index], as: UTF8.self))
      index += 2
    }
    return metadata
  }
}

extension [UInt8] {
  /// Equality in one memcmp, which the generic operator is not.
  func hasSameBytes(as other: [UInt8]) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { left in
      other.withUnsafeBytes { right in
        left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  func isEqual(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && hasPrefix(text)
  }

  func hasPrefix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard count >= length else { return false }
    return memcmp(baseAddress!, text.utf8Start, length) == 0
  }

  func hasSuffix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length
      && UnsafeRawBufferPointer(rebasing: self[(count - length)...]).hasPrefix(text)
  }
}
