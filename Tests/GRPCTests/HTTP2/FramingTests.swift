import NIOCore
import Testing

@testable import GRPC

@Suite struct FramingTests {
  /// Any messages, framed and cut anywhere, come out as they went in.
  @Test func messagesSurviveAnyCuts() throws {
    for _ in 0..<300 {
      let messages = (0..<Int.random(in: 0..<6)).map { _ in
        (0..<Int.random(in: 0..<400)).map { _ in UInt8.random(in: .min ... .max) }
      }
      var outbound = SendBuffer()
      var framed = FramedMessages()
      for message in messages {
        // Some by themselves, some in parts, some in a row framed before.
        let kind = Int.random(in: 0..<3)
        if kind > 0 {
          outbound.append(framed)
          framed = FramedMessages()
        }
        switch kind {
        case 0: framed.append(message)
        case 1: outbound.append(message)
        default:
          let cuts = [Int.random(in: 0...message.count), Int.random(in: 0...message.count)].sorted()
          let parts = MessageParts(
            Array(message[..<cuts[0]]), Array(message[cuts[0]..<cuts[1]]),
            Array(message[cuts[1]...]))
          #expect(parts.joined == message)
          outbound.append(parts)
        }
      }
      outbound.append(framed)
      #expect(outbound.byteCount == messages.reduce(0) { $0 + $1.count + 5 })

      var sent = ByteBuffer()
      while !outbound.isEmpty {
        let count = Int.random(in: 1...min(outbound.byteCount, 90))
        sent.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
          outbound.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
          return count
        }
      }
      #expect(outbound.byteCount == 0)

      var deframer = MessageDeframer(limit: 1000)
      var received: [[UInt8]] = []
      while sent.readableBytes > 0 {
        let piece = sent.readBytes(length: min(sent.readableBytes, .random(in: 1...50)))!
        try piece.withUnsafeBytes { piece in
          var rest = piece
          while let message = try deframer.next(&rest) { received.append(message.bytes) }
        }
      }
      #expect(received == messages)
      #expect(deframer.isBetweenMessages)
    }
  }

  @Test func aClaimedLengthIsRefusedFromThePrefix() {
    var deframer = MessageDeframer(limit: 100)
    let error = consume([0, 0, 0, 0, 101], &deframer)
    #expect(error?.code == .resourceExhausted)
  }

  @Test func aClaimedLengthAllocatesLittle() {
    // 4 GiB claimed, five bytes sent: nothing near it is reserved.
    var deframer = MessageDeframer(limit: .max)
    #expect(consume([0, 255, 255, 255, 255, 1], &deframer) == nil)
    #expect(!deframer.isBetweenMessages)
  }

  @Test(arguments: [1, 2, 255] as [UInt8])
  func flagsOtherThanZeroAreRefused(flag: UInt8) {
    var deframer = MessageDeframer(limit: 100)
    #expect(consume([flag, 0, 0, 0, 0], &deframer)?.code == .internalError)
  }

  private func consume(_ bytes: [UInt8], _ deframer: inout MessageDeframer) -> RPCError? {
    do throws(RPCError) {
      try deframer.consume(bytes)
      return nil
    } catch {
      return error
    }
  }
}

extension MessageDeframer {
  fileprivate mutating func consume(_ bytes: [UInt8]) throws(RPCError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    var rest = UnsafeRawBufferPointer(copy)
    while try next(&rest) != nil {}
  }
}
