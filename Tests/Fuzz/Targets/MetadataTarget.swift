#if DEBUG || FUZZ
  @testable internal import GRPC

  /// The input is lines of `name value`.
  func tryMetadata(_ input: [UInt8]) throws(FuzzFailure) {
    var head = RequestHead()
    for line in input.split(separator: 10) {
      let parts = line.split(separator: 32, maxSplits: 1, omittingEmptySubsequences: false)
      // HTTP/2 lets no NUL through.
      let name = parts[0].filter { $0 != 0 }
      let value = (parts.count > 1 ? Array(parts[1]) : []).filter { $0 != 0 }
      Array(name).withUnsafeBytes { name in
        value.withUnsafeBytes { head.add(name: name, value: $0, limit: 4096) }
      }
      if let time = value.withUnsafeBytes({ Timeout.parse($0) }) {
        let text = Timeout.text(time)
        let again = Array(text.utf8).withUnsafeBytes { Timeout.parse($0) }
        try require(again.map { $0 >= time } == true)
      }
      let plain = String(decoding: value, as: UTF8.self)
      try require(PercentEncoding.decode(PercentEncoding.encode(plain)) == plain)
      _ = PercentEncoding.decode(value)
      if let bytes = Base64.decode(value) {
        try require(Base64.decode(Base64.encode(bytes).utf8) == bytes)
      }
      for limit in [0, 3, 50, Int.max] {
        let encoded = PercentEncoding.encode(plain, limit: limit)
        try require(encoded.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
        try require(encoded.count <= max(limit, 3))
      }
    }
    let metadata = MetadataFields.metadata(of: head.fields)
    for entry in metadata.entries {
      _ = try? metadata.binaryValues(for: entry.key)
      _ = entry.fault(from: .client)
      _ = entry.fault(from: .service)
    }
  }
#endif
