/// The keys of a `map<string, ...>` field as they came.
///
/// Swift takes texts that are canonically equivalent in Unicode for equal, so a dictionary holds one
/// entry where a message has two.
package struct MapKeys {
  private var keys: [[UInt8]] = []

  /// - Parameter bytes: A message that has been decoded without an error.
  package init(of bytes: [UInt8], field: Int) {
    bytes.withUnsafeBytes { bytes in
      do {
        var reader = WireReader(bytes)
        while try reader.next() {
          if reader.field == field {
            keys.append(try Self.key(WireReader(try reader.view())))
          } else {
            try reader.skip()
          }
        }
      } catch {
        // What the decoder read and this does not has no entries to tell apart.
        keys = []
      }
    }
  }

  private static func key(_ entry: WireReader) throws(WireReader.Malformed) -> [UInt8] {
    var entry = entry
    var key: [UInt8] = []
    while try entry.next() {
      if entry.field == 1 { key = Array(try entry.view()) } else { try entry.skip() }
    }
    return key
  }

  /// Two keys that became one entry, when the dictionary has fewer than were sent.
  ///
  /// - Parameter count: The entries of the dictionary.
  package func mergedPair(into count: Int) -> (String, String)? {
    guard keys.count != count else { return nil }
    var seen: [String: [UInt8]] = [:]
    for key in keys {
      let text = String(decoding: key, as: UTF8.self)
      if let other = seen[text], other != key {
        return (String(decoding: other, as: UTF8.self), text)
      }
      seen[text] = key
    }
    return nil
  }
}
