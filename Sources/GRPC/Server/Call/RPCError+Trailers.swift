extension RPCError {
  /// No message is longer than this, encoded: it is for a person.
  private static let longestText = 3072
  /// What the fields around the status take: `:status`, `content-type`, `grpc-accept-encoding`.
  private static let otherFields = 256

  /// What a call ends with on the wire, where the client has room for it.
  ///
  /// The status itself always goes. The message is cut to what it may take. The details go whole or
  /// not at all, for a part of a google.rpc.Status says something else; so does each entry of the
  /// metadata.
  ///
  /// The metadata was checked by `checkSendable`.
  ///
  /// - Parameter listSize: The longest list of header fields, in bytes as RFC 9113 section 6.5.2
  ///   counts them.
  /// - Returns: The fields, and what was left out.
  func trailers(within listSize: Int) -> (fields: HeaderFields, omitted: [String]) {
    var fields = HeaderFields()
    var omitted: [String] = []
    var room = listSize - Self.otherFields
    fields.add("grpc-status", String(code.rawValue))
    room -= HeaderFields.listSize("grpc-status", code.rawValue < 10 ? 1 : 2)
    if !message.isEmpty {
      // Not more than a part of a small room: details say more.
      let limit = min(
        Self.longestText, (room - HeaderFields.listSize("grpc-message", 0)) * 3 / 8)
      if limit >= 3 {
        let text = PercentEncoding.encode(message, limit: limit)
        fields.add("grpc-message", text)
        room -= HeaderFields.listSize("grpc-message", text.count)
      } else {
        omitted.append("grpc-message")
      }
    }
    func add(_ key: String, _ value: @autoclosure () -> String, size: Int) {
      guard HeaderFields.listSize(key, size) <= room else { return omitted.append(key) }
      room -= HeaderFields.listSize(key, size)
      fields.add(key, value())
    }
    if !details.isEmpty {
      let size = (details.count * 4 + 2) / 3
      add("grpc-status-details-bin", Base64.encode(details), size: size)
    }
    for entry in metadata.entries {
      add(entry.key, entry.wireValue, size: entry.wireValue.utf8.count)
    }
    return (fields, omitted)
  }
}

/// How long a list of header fields a client takes.
enum ClientHeaderList {
  /// nghttp2 sends no list over 64 KiB.
  private static let longest = 60 * 1024
  /// What every gRPC library takes, unless it says less.
  private static let usual = 8 * 1024

  /// What is sent to a client at most.
  ///
  /// gRPC's C library announces the size beyond which it takes none, and refuses lists by chance
  /// from half of that on (8 KiB of 16, if it is not told otherwise). So half of it is filled.
  ///
  /// - Parameter announced: SETTINGS_MAX_HEADER_LIST_SIZE; 2^32 - 1 of a client that said nothing
  ///   and so sets no limit (RFC 9113 section 6.5.2).
  static func size(announced: UInt32) -> Int {
    min(longest, max(min(Int(announced), usual), Int(announced) / 2))
  }
}
