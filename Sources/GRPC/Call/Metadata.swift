/// Metadata of a call: an ordered list of keys and values, keys in lower case, repeats allowed.
///
/// Keys and values are compared byte by byte, as the protocol means them, and in a time that grows
/// with their length alone.
///
/// Keys that end in `-bin` carry bytes; on the wire these are base64.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Custom-Metadata)
public struct Metadata: Sendable, Hashable {
  /// One key with one value.
  public struct Entry: Sendable, Hashable {
    /// The key in lower case.
    public var key: String
    /// The value as it stands on the wire: ASCII text, base64 for `-bin` keys.
    public var wireValue: String

    /// Whether the key is this one.
    func hasKey(_ other: String) -> Bool { key.hasSameBytes(as: other) }

    /// The values of a `-bin` key, see `Metadata.binaryValues`.
    func binaryValues() throws(RPCError) -> [[UInt8]] {
      var found: [[UInt8]] = []
      for part in wireValue.utf8.split(
        separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      {
        guard let bytes = Base64.decode(Metadata.trimmed(part)) else {
          throw RPCError(.internalError, "metadata \"\(key)\" is not base64")
        }
        found.append(bytes)
      }
      return found
    }

    /// Whether both are the same bytes.
    public static func == (left: Entry, right: Entry) -> Bool {
      left.key.hasSameBytes(as: right.key) && left.wireValue.hasSameBytes(as: right.wireValue)
    }

    /// Hashes the bytes of both.
    public func hash(into hasher: inout Hasher) {
      key.hashBytes(into: &hasher)
      wireValue.hashBytes(into: &hasher)
    }

    /// Why this may not be sent, or nil: the key is made of `0-9a-z_-.` and is none that HTTP/2 or
    /// gRPC use themselves, and the value is printable ASCII.
    func fault(from sender: Sender) -> String? {
      if key.isEmpty || !key.utf8.allSatisfy(Self.isKeyCharacter) {
        return "metadata key \"\(key)\" is not of the characters a-z 0-9 _ - ."
      }
      // From here on the key is ASCII.
      let isPushback = sender == .service && key == Self.pushback
      if key.hasPrefix("grpc-") && !isPushback || Self.reserved.contains(key) {
        return "metadata key \"\(key)\" is reserved"
      }
      if !wireValue.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) {
        return "metadata \"\(key)\" is not printable ASCII; bytes travel under keys with -bin"
      }
      return nil
    }

    private static func isKeyCharacter(_ character: UInt8) -> Bool {
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }

    /// The one key of gRPC's own that a service may set: how long a client waits to try again.
    ///
    /// Source: https://github.com/grpc/proposal/blob/master/A6-client-retries.md (Pushback)
    private static let pushback = "grpc-retry-pushback-ms"

    /// Of gRPC, and those that HTTP/2 forbids (RFC 9113 section 8.2.2).
    private static let reserved: Set<String> = [
      "content-type", "te", "user-agent", "connection", "keep-alive", "proxy-connection",
      "transfer-encoding", "upgrade", "host", "content-length",
    ]
  }

  /// All keys and values, in the order they are sent or came.
  public private(set) var entries: [Entry] = []

  /// Makes metadata without entries.
  public init() {}

  /// Whether there are no entries.
  public var isEmpty: Bool { entries.isEmpty }

  enum Sender {
    case client
    case service
  }

  /// Refuses what may not be sent: a mistake of who made it, that should be seen and not passed over.
  ///
  /// - Throws: INVALID_ARGUMENT to a client, INTERNAL where it is the service's.
  func checkSendable(from sender: Sender = .service) throws(RPCError) {
    for entry in entries {
      guard let fault = entry.fault(from: sender) else { continue }
      switch sender {
      case .client: throw RPCError(.invalidArgument, fault)
      case .service: throw RPCError(.internalError, "the service may not send this: \(fault)")
      }
    }
  }

  /// Adds a text value of printable ASCII. `key` must not end in `-bin`.
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

  /// The first text value of a key, which is written in lower case; nil when there is none.
  public subscript(key: String) -> String? {
    entries.first { $0.hasKey(key) }?.wireValue
  }

  /// All text values of a key, which is written in lower case, in order.
  public func values(for key: String) -> [String] {
    entries.lazy.filter { $0.hasKey(key) }.map(\.wireValue)
  }

  /// All values of a `-bin` key, in order; values joined by commas come apart, with or without space
  /// around these (RFC 9110 section 5.6.1).
  ///
  /// Padded and unpadded base64 are read.
  ///
  /// - Throws: INTERNAL for a value that is not base64. A server refuses calls with such metadata
  ///   before a handler sees them.
  public func binaryValues(for key: String) throws(RPCError) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for entry in entries where entry.hasKey(key) { found += try entry.binaryValues() }
    return found
  }

  private static func trimmed(_ part: Substring.UTF8View) -> Substring.UTF8View {
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    let start = part.drop(while: isSpace)
    guard let end = start.lastIndex(where: { !isSpace($0) }) else { return start }
    return start[...end]
  }
}
