/// What the headers of a request said, gathered field by field.
struct RequestHead {
  var isPost = false
  var contentType = ContentType.missing
  var path: [UInt8] = []
  var timeout: [UInt8]?
  var encoding: [UInt8]?
  var hasBinaryMetadata = false
  /// Custom metadata, as name, NUL, value, NUL: HTTP/2 admits no NUL in either.
  var fields: [UInt8] = []
  /// The size of the list as RFC 9113 section 6.5.2 counts it.
  var listSize = 0

  enum ContentType {
    case missing
    case grpc
    case other
  }

  /// Takes one field; the list may be cut short by the caller once it is too long.
  mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    switch name.count {
    case 2 where name.isEqual("te"): return
    case 5 where name.isEqual(":path"): path = Array(value)
    case 7 where name.isEqual(":method"): isPost = value.isEqual("POST")
    case 7 where name.isEqual(":scheme"): return
    case 10 where name.isEqual(":authority"): return
    case 12 where name.isEqual("content-type"): contentType = Self.contentType(value)
    case 12 where name.isEqual("grpc-timeout"): timeout = Array(value)
    case 13 where name.isEqual("grpc-encoding"): encoding = Array(value)
    case 20 where name.isEqual("grpc-accept-encoding"): return
    default:
      if name.hasSuffix("-bin") { hasBinaryMetadata = true }
      fields.append(contentsOf: name)
      fields.append(0)
      fields.append(contentsOf: value)
      fields.append(0)
    }
  }

  /// `application/grpc`, alone or followed by `+format` or `;parameter`.
  private static func contentType(_ value: UnsafeRawBufferPointer) -> ContentType {
    let expected: StaticString = "application/grpc"
    guard value.hasPrefix(expected) else { return .other }
    if value.count == expected.utf8CodeUnitCount { return .grpc }
    let next = value[expected.utf8CodeUnitCount]
    return next == UInt8(ascii: "+") || next == UInt8(ascii: ";") ? .grpc : .other
  }

  func hasField(_ key: StaticString) -> Bool {
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

  var metadata: Metadata {
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

extension UnsafeRawBufferPointer {
  func isEqual(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && hasPrefix(text)
  }

  func hasPrefix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard count >= length else { return false }
    for index in 0..<length where self[index] != text.utf8Start[index] { return false }
    return true
  }

  func hasSuffix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length
      && UnsafeRawBufferPointer(rebasing: self[(count - length)...]).hasPrefix(text)
  }
}
