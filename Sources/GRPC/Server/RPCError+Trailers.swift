extension RPCError {
  /// Clients refuse trailers of more than about 8 KiB in all, and nghttp2 sends none over 64 KiB:
  /// longer messages are cut, longer details left out.
  private static let longestText = 3072

  /// What a call ends with on the wire.
  var trailers: HeaderFields {
    var fields = HeaderFields()
    fields.add("grpc-status", String(code.rawValue))
    if !message.isEmpty {
      fields.add("grpc-message", PercentEncoding.encode(message, limit: Self.longestText))
    }
    if !details.isEmpty && details.count <= Self.longestText {
      fields.add("grpc-status-details-bin", Base64.encode(details))
    }
    fields.add(metadata)
    return fields
  }
}
