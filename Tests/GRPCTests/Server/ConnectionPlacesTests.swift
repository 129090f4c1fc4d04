import NIOCore
import Testing

@testable import GRPC

@Suite struct ConnectionPlacesTests {
  /// How many connections of a host get in, of as many as try.
  private func take(_ places: ConnectionPlaces, _ host: UInt32, tries: Int = 1000) -> Int {
    (0..<tries).filter { _ in places.take(.v4(host)) }.count
  }

  @Test func oneHostLeavesAnEighthToOthers() {
    let places = ConnectionPlaces(128)
    #expect(take(places, 1) == 112)
    #expect(places.refused == 888)
    // The rest is for those that have few: 2 of 16.
    for host in 2..<10 as Range<UInt32> { #expect(take(places, host) == 2) }
    #expect(take(places, 10) == 0)
    places.giveBack(.v4(9))
    #expect(take(places, 1) == 0)
    #expect(take(places, 10) == 1)
  }

  @Test func whatIsGivenBackIsFree() {
    let places = ConnectionPlaces(16)
    #expect(take(places, 1) == 14)
    for _ in 0..<14 { places.giveBack(.v4(1)) }
    #expect(take(places, 2) == 14)
    #expect(take(places, 1) == 1)
  }

  @Test(arguments: [1, 7])
  func fewPlacesHaveNoReserve(_ limit: Int) {
    #expect(take(ConnectionPlaces(limit), 1) == limit)
  }

  @Test func aWarningTellsOfAllThatWereRefusedSinceTheLast() {
    let places = ConnectionPlaces(1)
    let begin = NIODeadline.now()
    #expect(take(places, 1, tries: 4) == 1)
    #expect(places.toWarnOf(now: begin) == 3)
    #expect(take(places, 1, tries: 5) == 0)
    #expect(places.toWarnOf(now: begin + .seconds(59)) == nil)
    #expect(places.toWarnOf(now: begin + .seconds(60)) == 5)
    #expect(places.refused == 8)
  }

  @Test(arguments: [
    ("10.0.0.1", PeerHost.v4(0x0a00_0001)), ("::ffff:10.0.0.1", .v4(0x0a00_0001)),
    ("2001:db8:1:2::1", .v6(0x2001_0db8_0001_0002)),
    ("2001:db8:1:2:ffff::1", .v6(0x2001_0db8_0001_0002)), ("::2", .v6(0)),
    ("127.0.0.1", .loopback), ("127.255.3.4", .loopback), ("::ffff:127.0.0.2", .loopback),
    ("::1", .loopback), ("128.0.0.1", .v4(0x8000_0001)), ("126.255.0.1", .v4(0x7eff_0001)),
  ])
  func hostsAreToldApart(address: String, host: PeerHost) throws {
    #expect(try PeerHost(SocketAddress(ipAddress: address, port: 1234)) == host)
  }

  @Test func socketsOfThisMachineAreOneHost() throws {
    #expect(try PeerHost(SocketAddress(unixDomainSocketPath: "/a")) == .unix)
    #expect(PeerHost(nil) == .unix)
  }
}
