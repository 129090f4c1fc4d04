import NIOCore
import Testing

@testable import GRPC

@Suite struct CompressionTests {
  @Test func messagesComeBack() throws {
    for length in [0, 1, 100, 32_768, 300_000] {
      let random = (0..<length).map { _ in UInt8.random(in: .min ... .max) }
      for message in [random, [UInt8](repeating: 7, count: length)] {
        let packed = Gzip.compress(message)
        #expect(try Gzip.decompress(packed, limit: length) == message)
      }
    }
  }

  @Test func membersFollowOneAnother() throws {
    let packed = Gzip.compress([1, 2]) + Gzip.compress([]) + Gzip.compress([3])
    #expect(try Gzip.decompress(packed, limit: 10) == [1, 2, 3])
  }

  @Test func inflatingStopsAtTheLimit() {
    let packed = Gzip.compress([UInt8](repeating: 0, count: 10_000))
    for limit in [0, 9_999] {
      #expect(error(of: packed, limit: limit) == .resourceExhausted)
    }
  }

  @Test func whatIsNotGzipIsRefused() {
    let packed = Gzip.compress([UInt8](1...200))
    var spoiled = packed
    spoiled[packed.count - 6] ^= 1  // the checksum
    var inputs = [[], [1, 2, 3], packed + [9], spoiled]
    inputs += (1..<packed.count).map { Array(packed[..<$0]) }
    for input in inputs {
      #expect(error(of: input, limit: 1000) == .internalError, "\(input)")
    }
  }

  /// Compressed or not is decided message by message.
  @Test func eachMessageHasItsFlag() throws {
    let long = [UInt8](repeating: 1, count: 500)
    let noise = (0..<500).map { _ in UInt8.random(in: .min ... .max) }
    var outbound = SendBuffer()
    outbound.append(long, compressed: true)  // the stream names no encoding
    outbound.compressionThreshold = 100
    outbound.append(long)
    outbound.append([1])
    outbound.append(long, compressed: false)
    outbound.append([2], compressed: true)
    outbound.append(noise)  // would grow

    var framed = FramedMessages()
    framed.append(long)
    framed.append([3])
    outbound.append(framed)
    outbound.compressAll()

    var bytes = ByteBuffer()
    let count = outbound.byteCount
    bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
      outbound.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
      return count
    }
    var received: [([UInt8], Bool)] = []
    var deframer = MessageDeframer(limit: 1000)
    deframer.allowsCompressed = true
    while let piece = bytes.readBytes(length: min(40, bytes.readableBytes)), !piece.isEmpty {
      try piece.withUnsafeBytes { piece in
        var rest = piece
        while let message = try deframer.next(&rest) {
          received.append((try message.content(limit: 1000), message.isCompressed))
        }
      }
    }
    #expect(received.map(\.0) == [long, long, [1], long, [2], noise, long, [3]])
    #expect(received.map(\.1) == [false, true, false, false, true, false, true, false])
  }

  /// What is behind a message that is still to be compressed waits, and keeps its place.
  @Test func messagesWaitForThoseBeforeThem() {
    let long = [UInt8](repeating: 1, count: 500)
    var outbound = SendBuffer()
    outbound.compressionThreshold = 100
    outbound.append([1])
    #expect(outbound.toCompress == nil)
    outbound.append(long)
    outbound.append([2])
    outbound.append([3], compressed: true)
    outbound.append([4])
    #expect(outbound.readyCount == 6)
    #expect(outbound.byteCount == 6 + 505 + 6 + 6 + 6)
    #expect(outbound.toCompress == long)
    outbound.finishCompressing([9, 9])
    #expect(outbound.readyCount == 6 + 7 + 6)
    #expect(outbound.toCompress == [3])
    outbound.finishCompressing([8, 8, 8])
    #expect(outbound.toCompress == nil)
    #expect(outbound.readyCount == 6 + 7 + 6 + 8 + 6)
    #expect(outbound.readyCount == outbound.byteCount)
    outbound.append(long)
    outbound.removeAll()
    #expect(outbound.isEmpty && outbound.toCompress == nil && outbound.readyCount == 0)
  }

  private func error(of packed: [UInt8], limit: Int) -> StatusCode? {
    do throws(RPCError) {
      _ = try Gzip.decompress(packed, limit: limit)
      return nil
    } catch {
      return error.code
    }
  }
}
