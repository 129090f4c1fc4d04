import BinaryFormats
import BinaryFormatsFuzzing
import Testing

@Suite struct ErlangTests {
  private func read(_ term: [UInt8], _ description: ArrayDescription = ArrayDescription()) throws
    -> BinaryArray
  {
    try BinaryFormat.erlang.read([131] + term, description)
  }

  private func list(_ elements: [UInt8]..., tail: [UInt8] = [106]) -> [UInt8] {
    [108, 0, 0, 0, UInt8(elements.count)] + elements.joined() + tail
  }

  private func atom(_ name: String, tag: UInt8 = 119) -> [UInt8] {
    let length = UInt8(name.utf8.count)
    return [tag] + (tag == 100 || tag == 118 ? [0, length] : [length]) + Array(name.utf8)
  }

  /// term_to_binary of OTP 25.
  @Test func termsOfErlang() throws {
    // [1.5, -2.0, 3]
    let mixed = try read([
      108, 0, 0, 0, 3, 70, 63, 248, 0, 0, 0, 0, 0, 0, 70, 192, 0, 0, 0, 0, 0, 0, 0, 97, 3, 106,
    ])
    #expect(mixed.numbers == [1.5, -2, 3])
    #expect(mixed.elementType == .float64)
    // [300, 70000, -1, 1 bsl 40, 1 bsl 62]
    let integers = try read([
      108, 0, 0, 0, 5, 98, 0, 0, 1, 44, 98, 0, 1, 17, 112, 98, 255, 255, 255, 255, 110, 6, 0, 0, 0,
      0, 0, 0, 1, 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 64, 106,
    ])
    #expect(integers.elementType == .int64)
    #expect(integers.numbers == [300, 70000, -1, 0x1p40, 0x1p62])
    // [[1, 2], [3, 4]]
    let nested = try read([108, 0, 0, 0, 2, 107, 0, 2, 1, 2, 107, 0, 2, 3, 4, 106])
    #expect(nested.shape == [2, 2])
    #expect(nested.numbers == [1, 2, 3, 4])
    // [], 7 and 1.5 with {minor_version, 0}
    #expect(try read([106]).shape == [0])
    #expect(try read([97, 7]).shape == [])
    let text = try read([99] + Array("1.50000000000000000000e+00".utf8) + [0, 0, 0, 0, 0])
    #expect(text.numbers == [1.5])
  }

  /// term_to_binary(lists:duplicate(1000, 0.5), [compressed]) of OTP 25, without its outer list.
  @Test func compressedTerms() throws {
    #expect(
      try BinaryFormat.erlang.read(Samples.compressed(list([97, 5], [97, 6]))).numbers == [5, 6])
    let real: [UInt8] = [
      131, 80, 0, 0, 35, 52, 120, 156, 237, 198, 49, 13, 0, 32, 16, 4, 176, 35, 8, 99, 67, 204, 7,
      209, 140, 200, 32, 65, 6, 105, 167, 174, 36, 109, 37, 253, 204, 177, 243, 136, 136, 136, 136,
      136, 136, 136, 136, 136, 136, 136, 136, 136, 136, 136, 136, 136, 124, 156, 170, 11, 190, 190,
      117, 108,
    ]
    let array = try BinaryFormat.erlang.read(real)
    #expect(array.shape == [1, 1000])
    #expect(Set(array.numbers) == [0.5])
    for count in 0..<real.count { expectRefused(.erlang, Array(real.prefix(count))) }
    expectRefused(.erlang, real + [0], "followed by 1")
    for index in 6..<real.count {
      var damaged = real
      damaged[index] ^= 1
      #expect(throws: BinaryFormatError.self) { try BinaryFormat.erlang.read(damaged) }
    }
  }

  @Test func compressedClaimsAreNotBelieved() {
    let term = list([97, 5], [97, 6])
    expectRefused(.erlang, Samples.compressed(term, claiming: 0xFFFF_FFFF), code: .tooLarge)
    expectRefused(.erlang, Samples.compressed(term, claiming: 1_000_000), "cannot have")
    expectRefused(.erlang, Samples.compressed(term, claiming: 1000), "has 10 bytes")
    expectRefused(.erlang, Samples.compressed(term, claiming: 9), "longer")
    expectRefused(.erlang, Samples.compressed(term, claiming: 0), "longer")
    // Compressed twice.
    expectRefused(
      .erlang, Samples.compressed(Array(Samples.compressed(term).dropFirst())), "tag 80")
  }

  @Test func atomsThatAreNumbers() throws {
    for tag in [100, 115, 118, 119] as [UInt8] {
      let floats = try read(
        list(atom("nan", tag: tag), atom("infinity", tag: tag), atom("neg_infinity", tag: tag)))
      #expect(floats.numbers[0].isNaN)
      #expect(floats.numbers[1...] == [.infinity, -.infinity])
      #expect(try read(list(atom("true", tag: tag), atom("false", tag: tag))).elementType == .bool)
      expectRefused(.erlang, [131] + list(atom("nil", tag: tag)), "byte 6", "atom nil")
    }
  }

  @Test func tuplesAreLists() throws {
    #expect(try read([104, 2, 97, 1, 97, 2]).numbers == [1, 2])
    #expect(try read([105, 0, 0, 0, 2, 107, 0, 1, 8, 104, 1, 97, 9]).shape == [2, 1])
  }

  @Test func aBinaryStandsForRawElements() throws {
    let array = try read(
      [109, 0, 0, 0, 8, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0], described(.float32, [2, 1]))
    #expect(array.shape == [2, 1])
    #expect(array.numbers == [1.5, 0])
    expectRefused(.erlang, [131, 109, 0, 0, 0, 1, 5], "dtype", code: .mismatch)
    expectRefused(.erlang, [131, 109, 0, 0, 0, 2, 5], "announced")
    expectRefused(.erlang, [131] + list([109, 0, 0, 0, 1, 5]), "binary inside")
  }

  @Test func bigIntegers() throws {
    #expect(try read([110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128]).numbers == [-0x1p63])
    let unsigned = try read([110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255])
    #expect(unsigned.elementType == .uint64)
    #expect(try read([110, 10, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]).numbers == [5])
    #expect(try read([111, 0, 0, 0, 1, 1, 5]).numbers == [-5])
    expectRefused(.erlang, [131, 110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "64 bits")
    expectRefused(.erlang, [131, 110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 128], "64 bits")
    expectRefused(.erlang, [131, 111, 255, 255, 255, 255, 0, 1], "announced")
    expectRefused(
      .erlang, [131] + list([110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128], [98, 255, 255, 255, 255]),
      "in common", code: .mismatch)
  }

  @Test func raggedListsAreRefusedWithTheirPosition() {
    expectRefused(.erlang, [131] + list([107, 0, 2, 1, 2], [107, 0, 1, 3]), "byte 11", "ragged")
    expectRefused(.erlang, [131] + list([97, 1], [107, 0, 1, 3]), "byte 8", "ragged")
    expectRefused(.erlang, [131] + list([107, 0, 1, 3], [97, 1]), "byte 10", "ragged")
    expectRefused(.erlang, [131] + list([106], [107, 0, 1, 3]), "ragged")
    expectRefused(.erlang, [131] + list([97, 1], tail: [97, 2]), "improper")
  }

  @Test func whatIsNoNumber() {
    expectRefused(.erlang, [131, 116, 0, 0, 0, 0], "byte 1", "a map")
    expectRefused(.erlang, [131] + list([88]), "process")
    expectRefused(.erlang, [131, 77, 0, 0, 0, 1, 1, 1], "bitstring")
    expectRefused(.erlang, [131, 3], "unknown tag 3")
    expectRefused(.erlang, [130, 106], "131")
    expectRefused(.erlang, [], "ends too early")
    expectRefused(.erlang, [131, 97, 1, 97], "follow")
    expectRefused(.erlang, [131, 108, 255, 255, 255, 255, 97, 1], "4294967295", "2 bytes")
    expectRefused(.erlang, [131, 99] + Array(repeating: 0x78, count: 31), "text")
  }

  @Test func depthIsBounded() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array(repeatElement([108, 0, 0, 0, 1], count: depth).joined()) + [97, 1]
        + Array(repeating: 106, count: depth)
    }
    #expect(try read(nested(32)).shape == Array(repeating: 1, count: 32))
    expectRefused(.erlang, [131] + nested(33), "deeper")
    expectRefused(.erlang, [131] + nested(100_000), "deeper")
  }

  @Test func elementsAreBounded() {
    let string: [UInt8] = [131, 107, 0, 100] + Array(repeating: 1, count: 100)
    expectRefused(.erlang, string, "100", sizeLimit: 99 * 8, code: .tooLarge)
    #expect(throws: Never.self) { try BinaryFormat.erlang.read(string, sizeLimit: 100 * 8) }
  }
}
