import Testing
import Zlib

@Suite struct CompressedFormatTests {
  /// What `gzip -n` makes of "hello", and Python's `zlib.compress`.
  private static let gzipHello: [UInt8] = [
    0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0, 0x86, 0xA6, 0x10,
    0x36, 5, 0, 0, 0,
  ]
  private static let zlibHello: [UInt8] = [
    0x78, 0x9C, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0, 0x06, 0x2C, 0x02, 0x15,
  ]

  private func error(
    _ format: CompressedFormat, _ bytes: [UInt8], limit: Int = 1000
  ) -> InflateError? {
    do throws(InflateError) {
      _ = try format.inflate(bytes[...], limit: limit)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [CompressedFormat.gzip, .zlib])
  func contentComesBack(format: CompressedFormat) throws {
    for length in [0, 1, 1000, 32 * 1024, 32 * 1024 + 1, 500_000] {
      let content = (0..<length).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 >> 8) }
      let compressed = format.deflate(content)
      #expect(try format.inflate(compressed[...], limit: length) == content)
      if length > 0 { #expect(error(format, compressed, limit: length - 1) == .tooLong) }
    }
  }

  @Test func otherProgramsAreUnderstood() throws {
    #expect(try CompressedFormat.gzip.inflate(Self.gzipHello[...], limit: 5) == Array("hello".utf8))
    #expect(try CompressedFormat.zlib.inflate(Self.zlibHello[...], limit: 5) == Array("hello".utf8))
    #expect(error(.zlib, Self.gzipHello) == .malformed)
    #expect(error(.gzip, Self.zlibHello) == .malformed)
  }

  @Test func whatIsCutShortIsNoContent() {
    for count in 0..<Self.gzipHello.count {
      #expect(error(.gzip, Array(Self.gzipHello.prefix(count))) == .truncated)
    }
    for count in 0..<Self.zlibHello.count {
      #expect(error(.zlib, Array(Self.zlibHello.prefix(count))) == .truncated)
    }
  }

  @Test func aChecksumIsChecked() {
    var spoiled = Self.gzipHello
    spoiled[spoiled.count - 5] ^= 1
    #expect(error(.gzip, spoiled) == .malformed)
    spoiled = Self.zlibHello
    spoiled[spoiled.count - 1] ^= 1
    #expect(error(.zlib, spoiled) == .malformed)
  }

  @Test func whatFollows() throws {
    #expect(
      try CompressedFormat.gzip.inflate((Self.gzipHello + Self.gzipHello)[...], limit: 10)
        == Array("hellohello".utf8))
    #expect(error(.gzip, Self.gzipHello + [7]) == .truncated)
    #expect(error(.gzip, Self.gzipHello + Self.gzipHello, limit: 9) == .tooLong)
    #expect(error(.zlib, Self.zlibHello + [7, 8]) == .trailingBytes(2))
  }

  @Test func aBombTakesNoMoreThanItsLimit() {
    let bomb = CompressedFormat.gzip.deflate([UInt8](repeating: 0, count: 10_000_000))
    #expect(bomb.count < 20_000)
    #expect(error(.gzip, bomb, limit: 100_000) == .tooLong)
  }

  /// A slice has indices of its own.
  @Test func aSliceIsReadFromItsStart() throws {
    let bytes = [9, 9, 9] + Self.zlibHello
    #expect(try CompressedFormat.zlib.inflate(bytes[3...], limit: 5) == Array("hello".utf8))
  }

  /// What somebody else has left in memory means nothing.
  @Test func memoryThatWasUsedBeforeIsAsGood() throws {
    for _ in 0..<20 {
      let used = (0..<8).map { _ in UnsafeMutableRawPointer.allocate(byteCount: 112, alignment: 8) }
      for memory in used {
        memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: 112)
        memory.deallocate()
      }
      let compressed = CompressedFormat.zlib.deflate([1, 2, 3])
      #expect(try CompressedFormat.zlib.inflate(compressed[...], limit: 3) == [1, 2, 3])
    }
  }

  /// Both ends of what a step of the inflater makes, and of what it makes none of.
  @Test func theLimitHoldsAtEveryStep() throws {
    let step = 32 * 1024
    for length in [step - 1, step, step + 1, 2 * step, 2 * step + 1] {
      let content = [UInt8](repeating: 7, count: length)
      for format in [CompressedFormat.gzip, .zlib] {
        let compressed = format.deflate(content)
        #expect(try format.inflate(compressed[...], limit: length) == content)
        #expect(error(format, compressed, limit: length - 1) == .tooLong)
        #expect(error(format, Array(compressed.dropLast()), limit: length) == .truncated)
      }
    }
    #expect(
      try CompressedFormat.gzip.inflate(CompressedFormat.gzip.deflate([])[...], limit: 0) == [])
  }

  /// Each format has the first bytes that its RFC says, and what does not shrink grows by little.
  @Test func theFormatIsThatOfItsName() {
    let random = (0..<100_000).map { _ in UInt8.random(in: 0...255) }
    let gzip = CompressedFormat.gzip.deflate(random)
    let zlib = CompressedFormat.zlib.deflate(random)
    #expect(gzip[0] == 0x1F && gzip[1] == 0x8B)
    #expect(zlib[0] & 0x0F == 8 && (Int(zlib[0]) << 8 + Int(zlib[1])) % 31 == 0)
    for compressed in [gzip, zlib] {
      #expect(compressed.count < 100_200)
      // The room that was set aside for it is not kept.
      #expect(compressed.capacity < compressed.count + 100)
    }
  }

  /// Streams of gzip that follow one another, each longer than a step.
  @Test func longStreamsFollowOneAnother() throws {
    let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 5) }
    let compressed = CompressedFormat.gzip.deflate(content)
    #expect(
      try CompressedFormat.gzip.inflate((compressed + compressed)[...], limit: 200_000)
        == content + content)
    #expect(error(.gzip, compressed + compressed, limit: 199_999) == .tooLong)
  }
}
