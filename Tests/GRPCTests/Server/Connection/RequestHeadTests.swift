import Testing

@testable import GRPC

/// What is read of a request's headers, and kept of its metadata.
@Suite struct RequestHeadTests {
  private func head(_ fields: [(String, String)], limit: Int = 8192) -> RequestHead {
    var head = RequestHead()
    // What was there before is forgotten.
    for (name, value) in [
      (":method", "POST"), ("content-type", "application/grpc"), (":path", "/old"),
      ("grpc-timeout", "1S"), ("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip"),
      ("old-bin", "AA"),
    ] { add(name, value, to: &head, limit) }
    head.reset()
    for (name, value) in fields { add(name, value, to: &head, limit) }
    return head
  }

  private func add(_ name: String, _ value: String, to head: inout RequestHead, _ limit: Int) {
    Array(name.utf8).withUnsafeBytes { name in
      Array(value.utf8).withUnsafeBytes { head.add(name: name, value: $0, limit: limit) }
    }
  }

  @Test func anEmptyHeadSaysNothing() {
    let head = head([])
    #expect(!head.isPost && !head.isGRPC && !head.hasTimeout && !head.acceptsGzip)
    #expect(!head.hasBinaryMetadata && head.path.isEmpty && head.timeout.isEmpty)
    #expect(head.encoding.isEmpty && head.fields.isEmpty && head.listSize == 0)
  }

  @Test func eachFieldHasItsPlace() {
    let fields = [
      (":method", "POST"), (":scheme", "http"), (":path", "/a/B"), (":authority", "x"),
      ("te", "trailers"), ("content-type", "application/grpc+proto"), ("grpc-timeout", "5S"),
      ("grpc-encoding", "gzip"), ("grpc-accept-encoding", "identity, deflate, gzip"),
      ("content-length", "3"), ("x-one", "1"), ("x-bin", "AAA"),
    ]
    let head = head(fields)
    #expect(head.isPost && head.isGRPC && head.hasTimeout && head.acceptsGzip)
    #expect(head.path == Array("/a/B".utf8) && head.timeout == Array("5S".utf8))
    #expect(head.encoding == Array("gzip".utf8))
    #expect(head.hasBinaryMetadata)
    #expect(head.fields == Array("x-one\01\0x-bin\0AAA\0".utf8))
    // RFC 9113 section 6.5.2.
    #expect(head.listSize == fields.map { $0.0.utf8.count + $0.1.utf8.count + 32 }.reduce(0, +))
  }

  /// Names as long as those that are known are metadata.
  @Test func likeNamesAreMetadata() {
    for name in [
      "tx", "x-pat", "x-metho", "x-authorit", "content-typo", "grpc-timeoux", "grpc-encodinx",
      "content-lengtx", "grpc-accept-encodinx",
    ] {
      let head = head([(name, "v")])
      #expect(head.fields == Array("\(name)\0v\0".utf8))
      #expect(!head.isPost && !head.isGRPC && !head.hasTimeout && head.path.isEmpty)
    }
    #expect(!head([("bin", "v")]).hasBinaryMetadata && !head([("xbin", "v")]).hasBinaryMetadata)
    #expect(head([("-bin", "v")]).hasBinaryMetadata)
    for method in ["GET", "post", "POSTS", ""] { #expect(!head([(":method", method)]).isPost) }
  }

  @Test(arguments: [
    ("gzip", true), ("identity,gzip", true), ("gzip ,identity", true), ("  gzip  ", true),
    ("identity, gzip", true), ("deflate,  gzip,br", true), ("", false), (",", false), (" ", false),
    ("gzipped", false), ("x-gzip", false), ("gzi", false), ("g zip", false), ("GZIP", false),
    ("identity, deflate, gzi", false),
  ])
  func gzipIsFoundAmongOthers(value: String, expected: Bool) {
    #expect(head([("grpc-accept-encoding", value)]).acceptsGzip == expected)
    // What one field says, another does not take back.
    #expect(
      head([("grpc-accept-encoding", value), ("grpc-accept-encoding", "br")]).acceptsGzip
        == expected)
  }

  @Test func beyondTheLimitOnlyTheSizeIsCounted() {
    // 36 bytes each.
    let fields = [("a-a", "1"), ("b-b", "2"), ("c-c", "3")]
    #expect(head(fields, limit: 108).fields == Array("a-a\01\0b-b\02\0c-c\03\0".utf8))
    let cut = head(fields, limit: 107)
    #expect(cut.fields == Array("a-a\01\0b-b\02\0".utf8) && cut.listSize == 108)
    #expect(head(fields, limit: 35).fields.isEmpty)
  }

  // MARK: What is kept

  private let fields = Array("a\01\0b\0a\0a\0\0ab\02\0".utf8)

  @Test func valuesAreFoundByTheirKey() {
    func values(_ key: StaticString) -> [String] {
      MetadataFields.values(of: key, in: fields).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(values("a") == ["1", ""])
    #expect(values("b") == ["a"] && values("ab") == ["2"])
    // A value is no name, nor is a part of one.
    #expect(values("1") == [] && values("2") == [] && values("") == [])
    for (key, isThere) in [("a", true), ("b", true), ("ab", true)] as [(StaticString, Bool)] {
      #expect(MetadataFields.contains(key, in: fields) == isThere)
    }
    for key in ["1", "2", "c", "abc", ""] as [StaticString] {
      #expect(!MetadataFields.contains(key, in: fields))
    }
    #expect(!MetadataFields.contains("a", in: []) && MetadataFields.values(of: "a", in: []) == [])
  }

  @Test func metadataHasEveryEntryInOrder() {
    var expected = Metadata()
    for (key, value) in [("a", "1"), ("b", "a"), ("a", ""), ("ab", "2")] {
      expected.add(wireValue: value, for: key)
    }
    let metadata = MetadataFields.metadata(of: fields)
    #expect(metadata["a"] == expected["a"] && metadata["b"] == "a" && metadata["ab"] == "2")
    #expect(MetadataFields.metadata(of: []).isEmpty)
    #expect(metadata == expected)
  }
}
