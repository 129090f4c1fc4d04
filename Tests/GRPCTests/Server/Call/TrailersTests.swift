import Testing

@testable import GRPC

/// What of a status goes to a client that takes so much.
@Suite struct TrailersTests {
  private func trailers(
    _ error: RPCError, within listSize: Int
  ) -> (fields: [String: String], size: Int, omitted: [String]) {
    let (fields, omitted) = error.trailers(within: listSize)
    var found: [String: String] = [:]
    var size = 0
    for (name, value) in fields.entries {
      found[name] = value
      size += name.utf8.count + value.utf8.count + 32
    }
    return (found, size, omitted)
  }

  private func details(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }

  @Test func whatFitsGoesWhole() {
    var error = RPCError(.aborted, "why", details: details(5000))
    error.metadata.add("1", for: "x-one")
    let (fields, _, omitted) = trailers(error, within: 8192)
    #expect(
      fields == [
        "grpc-status": "10", "grpc-message": "why", "x-one": "1",
        "grpc-status-details-bin": Base64.encode(details(5000)),
      ])
    #expect(omitted.isEmpty)
  }

  @Test func detailsGoWholeOrNotAtAll() {
    // Half of a room of 8 KiB is more than half of the list.
    #expect(trailers(RPCError(.aborted, "", details: details(5800)), within: 8192).omitted == [])
    let (fields, size, omitted) = trailers(
      RPCError(.aborted, "why", details: details(6100)), within: 8192)
    #expect(fields == ["grpc-status": "10", "grpc-message": "why"])
    #expect(omitted == ["grpc-status-details-bin"])
    #expect(size < 8192)
    #expect(
      trailers(RPCError(.aborted, "", details: details(40_000)), within: 61_440).omitted == [])
  }

  @Test func aLongTextLeavesRoomForDetails() throws {
    let long = String(repeating: "é", count: 100_000)
    let (fields, size, omitted) = trailers(
      RPCError(.notFound, long, details: details(3500)), within: 8192)
    #expect(omitted.isEmpty)
    #expect(size <= 8192)
    let message = try #require(fields["grpc-message"])
    #expect(message.hasSuffix("%C3%A9..."))
    #expect(message.utf8.count > 2900 && message.utf8.count <= 3072)
  }

  @Test func entriesOfMetadataGoAsFarAsThereIsRoom() {
    var error = RPCError(.unavailable, "", details: details(3000))
    error.metadata.add(String(repeating: "x", count: 9000), for: "x-large")
    error.metadata.add("17", for: "grpc-retry-pushback-ms")
    let (fields, _, omitted) = trailers(error, within: 8192)
    #expect(fields["grpc-retry-pushback-ms"] == "17")
    #expect(omitted == ["x-large"])
  }

  @Test(arguments: [0, 100, 250, 300, 310, 400, 1000])
  func aStatusAlwaysGoes(listSize: Int) {
    var error = RPCError(.dataLoss, "something is lost", details: details(10_000))
    error.metadata.add("1", for: "x-one")
    let (fields, size, _) = trailers(error, within: listSize)
    #expect(fields["grpc-status"] == "15")
    if listSize >= 300 { #expect(size <= listSize) }
  }

  @Test func whatClientsAnnounceIsHalfFilled() {
    // gRPC's C library and its defaults, Java's, Node's, one that says nothing, and oddities.
    for (announced, size) in [
      (16_384, 8192), (8192, 8192), (65_535, 32_767), (UInt32.max, 61_440), (0, 0), (100, 100),
      (1 << 24, 61_440), (20_000, 10_000),
    ] as [(UInt32, Int)] {
      #expect(ClientHeaderList.size(announced: announced) == size)
    }
  }
}
