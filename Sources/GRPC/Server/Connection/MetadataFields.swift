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
