import Testing

@testable import BridgePlugins

@Suite struct DelegatedGroupTests {
  private let own = "9:name=systemd:/other\n0::/system.slice/b.service/host\n"

  @Test func theGroupAboveTheHostsOwnIsTakenIfItWasDelegated() {
    let path = DelegatedGroup.path(own: own, roots: ["/nonexistent", "/groups"]) {
      $0 == "/groups/system.slice/b.service"
    }
    #expect(path == "/groups/system.slice/b.service")
    #expect(DelegatedGroup.path(own: own, roots: ["/groups"]) { _ in false } == nil)
    // This one has no mark.
    #expect(DelegatedGroup.path(own: own, roots: ["/nonexistent"]) == nil)
    #expect(
      DelegatedGroup.path(own: own.replacing("/system.slice/b.service", with: "/tmp"), roots: [""])
        == nil)
  }

  @Test func aHostInNoGroupHasNone() {
    for own in ["", "0::/\n", "0::/one\n", "4:memory:/a/b\n"] {
      #expect(DelegatedGroup.path(own: own, roots: ["/"]) { _ in true } == nil)
    }
  }
}
