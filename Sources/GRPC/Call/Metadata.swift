/// Metadata of a call: an ordered list of keys and values, keys in lower case, repeats allowed.
///
/// Keys that end in `-bin` carry bytes; on the wire these are base64.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Custom-Metadata)
public struct Metadata: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public var key: String
    /// The value as it stands on the wire: ASCII text, base64 for `-bin` keys.
    public var wireValue: String
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  public var isEmpty: Bool { entries.isEmpty }

  /// Adds a text value. `key` must not end in `-bin`.
  public mutating func add(_ value: String, for key: String) {
    entries.append(Entry(key: key.lowercased(), wireValue: value))
  }

  /// Adds bytes. `key` must end in `-bin`.
  public mutating func add(_ bytes: [UInt8], for key: String) {
    entries.append(Entry(key: key.lowercased(), wireValue: Base64.encode(bytes)))
  }

  /// Adds a value that is in its wire form already: ASCII text, base64 for a `-bin` key.
  public mutating func add(wireValue: String, for key: String) {
    entries.append(Entry(key: key.lowercased(), wireValue: wireValue))
  }

  /// The first text value of a key.
  public subscript(key: String) -> String? {
    entries.first { $0.key == key }?.wireValue
  }

  /// All text values of a key, in order.
  public func values(for key: String) -> [String] {
    entries.lazy.filter { $0.key == key }.map(\.wireValue)
  }

  /// All values of a `-bin` key, in order; values joined by commas come apart.
  ///
  /// Padded and unpadded base64 are read. A value that is not base64 is an error.
  public func binaryValues(for key: String) throws(RPCError) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for entry in entries where entry.key == key {
      for part in entry.wireValue.split(separator: ",", omittingEmptySubsequences: false) {
        guard let bytes = Base64.decode(part.utf8) else {
          throw RPCError(.internalError, "metadata \"\(key)\" is not base64")
        }
        found.append(bytes)
      }
    }
    return found
  }
}
