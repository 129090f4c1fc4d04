import Testing

@testable import GRPC

/// Metadata is bytes. Canonical equivalence is not equality, and is not looked for: its time grows
/// with the square of the length.
@Suite struct MetadataBytesTests {
  private static let composed = "x-\u{E9}"
  private static let decomposed = "x-e\u{301}"

  @Test func equivalentKeysAreDifferentKeys() {
    #expect(Self.composed == Self.decomposed)
    var metadata = Metadata()
    metadata.add("one", for: Self.composed)
    metadata.add("two", for: Self.decomposed)
    #expect(metadata[Self.decomposed] == "two")
    #expect(metadata.values(for: Self.composed) == ["one"])
    #expect(metadata.entries.count == 2)
  }

  @Test func equivalentMetadataIsNotEqual() {
    var one = Metadata()
    one.add("v", for: Self.composed)
    var other = Metadata()
    other.add("v", for: Self.decomposed)
    #expect(one != other)
    #expect(Set([one, other]).count == 2)
    var same = Metadata()
    same.add("v", for: Self.composed)
    #expect(one == same && one.hashValue == same.hashValue)
  }

  /// Each would take most of a minute as a string.
  @Test func longKeysCostNoMoreThanTheirLength() {
    let long = "x-a" + String(repeating: "\u{301}\u{316}", count: 400_000)
    var metadata = Metadata()
    metadata.add("v", for: long)
    #expect(metadata[long + "b"] == nil)
    #expect(metadata[long] == "v")
    #expect(metadata == metadata)
    #expect(Set([metadata]).contains(metadata))
    #expect(throws: RPCError.self) { try metadata.checkSendable() }
  }

  @Test func longPathsCostNoMoreThanTheirLength() {
    let table = MethodTable([.unary("/t/\u{E9}") { request, _ throws(RPCError) in request }])
    let long = Array(("/t/a" + String(repeating: "\u{301}\u{316}", count: 400_000)).utf8)
    #expect(table[long] == nil)
    #expect(table[Array("/t/\u{E9}".utf8)] != nil)
    #expect(table[Array("/t/e\u{301}".utf8)] == nil)
  }
}
