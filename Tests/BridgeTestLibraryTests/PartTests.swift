import Testing

@testable import BridgeTestLibrary

/// Parts of JSON texts; Tests/Wire/library_test.c calls the library from C.
@Suite struct PartTests {
  private func part(of json: String?, _ pointer: String) -> UnsafeMutablePointer<CChar>? {
    guard let json else { return BridgeTestLibrary.part(nil, pointer) }
    return BridgeTestLibrary.part(json, pointer)
  }

  @Test(
    arguments: [
      ("", #"{"a":[1,{"b/c":2,"~":null}]}"#), ("/a/0", "1"), ("/a/1/b~1c", "2"),
      ("/a/1/~0", "null"),
    ]) func aPlaceIsFound(pointer: String, expected: String) throws
  {
    let text = part(of: #"{"a": [1, {"b/c": 2, "~": null}]}"#, pointer)
    let found = try #require(text)
    defer { freeText(found) }
    #expect(String(cString: found) == expected)
  }

  @Test(arguments: ["a", "/b", "/a/2", "/a/x", "/a/0/x", "/a/-1", "/"])
  func whatIsNotThereIsNothing(pointer: String) {
    #expect(part(of: #"{"a": [1, {}]}"#, pointer) == nil)
  }

  @Test func nothingInIsNothingOut() {
    #expect(part(of: nil, "") == nil)
    #expect(part(of: "{", "") == nil)
    #expect(newHost("[]") == nil)
    #expect(load(nil, "x") == 1)
    #expect(request(nil, "{}") == nil)
    #expect(deleteHost(nil) == 0)
  }
}
