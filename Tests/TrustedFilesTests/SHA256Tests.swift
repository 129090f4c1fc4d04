import Glibc
import Testing

@testable import TrustedFiles

@Suite struct SHA256Tests {
  private func hex(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { SHA256.hex(of: $0) } }

  /// Source: FIPS 180-4's examples, and RFC 6234, section 8.5.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownTextsHaveTheirDigests(text: String, digest: String) {
    #expect(hex(Array(text.utf8)) == digest)
  }

  @Test func aMillionLettersHaveTheirDigest() {
    #expect(
      hex([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// On both sides of where the length needs a block of its own.
  @Test(arguments: [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000])
  func everyLengthIsAsTheSystemsProgramSays(count: Int) throws {
    let scratch = Scratch()
    let text = String(repeating: "x", count: count)
    let path = scratch.file("f", text)
    let pipe = try #require(popen("sha256sum '\(path)'", "r"))
    defer { pclose(pipe) }
    var line = [CChar](repeating: 0, count: 128)
    try #require(fgets(&line, 128, pipe) != nil)
    let wanted = String(decoding: line.prefix(64).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect(hex(Array(text.utf8)) == wanted)
  }

  @Test func digestsAreKnownFromOtherTexts() {
    let digest = String(repeating: "0123456789abcdef", count: 4)
    #expect(SHA256.isDigest(digest) && SHA256.isDigest(digest.uppercased()))
    #expect(!SHA256.isDigest(String(digest.dropLast())) && !SHA256.isDigest(digest + "0"))
    #expect(!SHA256.isDigest(digest.dropLast() + "g") && !SHA256.isDigest(""))
  }
}
