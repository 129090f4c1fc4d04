import Testing

@testable import GRPC

@Suite struct FrameScannerTests {
  private func frame(
    _ type: UInt8, _ stream: UInt8 = 0, flags: UInt8 = 0, _ payload: [UInt8] = []
  ) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream]
      + payload
  }

  /// How many of the frames are counted.
  private func count(_ frames: [UInt8]..., sourceLocation: SourceLocation = #_sourceLocation) -> Int
  {
    let counts = counts(frames, sourceLocation: sourceLocation)
    return counts.control + counts.resets
  }

  /// What is counted of the frames, in whatever pieces they come.
  private func counts(
    _ frames: [[UInt8]], sourceLocation: SourceLocation = #_sourceLocation
  ) -> FrameScanner.Counts {
    let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frames.flatMap { $0 }
    let counts = [bytes.count, 1, 7, 10].map { size in
      var scanner = FrameScanner()
      var sum = FrameScanner.Counts()
      var rest = bytes[...]
      while !rest.isEmpty {
        let counts = Array(rest.prefix(size)).withUnsafeBytes { scanner.scan($0) }
        sum.newStreams += counts.newStreams
        sum.resets += counts.resets
        sum.control += counts.control
        sum.offence = sum.offence ?? counts.offence
        rest = rest.dropFirst(size)
      }
      return sum
    }
    #expect(counts.allSatisfy { $0 == counts[0] }, sourceLocation: sourceLocation)
    return counts[0]
  }

  private let data: UInt8 = 0
  private let headers: UInt8 = 1
  private let end: UInt8 = 1
  private let padded: UInt8 = 8

  @Test func requestsAreNotCounted() {
    let long = [UInt8](repeating: 7, count: 300)
    #expect(
      count(
        frame(headers, 1, long), frame(9, 1, [1, 2]), frame(data, 1, long), frame(data, 1, [1]),
        frame(data, 1, flags: padded, [2, 7, 0, 0]), frame(data, 1, flags: end),
        frame(headers, 3, flags: end, [1]), frame(headers, 5, [1]),
        frame(data, 5, flags: end | padded, [1, 0])) == 0)
  }

  @Test(arguments: [2, 3, 4, 5, 6, 7, 8, 10, 16, 250] as [UInt8])
  func othersAre(type: UInt8) {
    #expect(count(frame(type, 0, [1, 2, 3]), frame(type, 1), frame(type, 7, flags: 1)) == 3)
  }

  @Test func dataWithoutDataIs() {
    #expect(
      count(
        frame(headers, 1), frame(data, 1), frame(data, 1, flags: padded, [0]),
        frame(data, 1, flags: padded, [3, 0, 0, 0]), frame(data, 1, flags: padded, [9, 0])) == 4)
  }

  @Test func aStreamBeginsAndEndsOnce() {
    #expect(
      count(
        frame(headers, 3, flags: end), frame(headers, 3, flags: end), frame(headers, 1),
        frame(data, 3, flags: end), frame(data, 3, flags: end, [1])) == 4)
    // Trailers end a request.
    #expect(count(frame(headers, 1), frame(data, 1, [1]), frame(headers, 1, flags: end)) == 0)
  }

  @Test func kindsAreToldApart() {
    #expect(
      counts([
        frame(headers, 1), frame(3, 1, [0, 0, 0, 8]), frame(headers, 3), frame(data, 3, [1]),
        frame(8, 3, [0, 0, 0, 1]), frame(3, 1, [0, 0, 0, 8]), frame(headers, 3, flags: end),
      ]) == FrameScanner.Counts(newStreams: 2, resets: 2, control: 1))
  }

  @Test func aStreamThatItsClientEndedIsClosed() {
    for last in [data, headers] {
      #expect(
        counts([frame(headers, 1, flags: end), frame(last, 1, [1])]).offence == .frameAfterEnd)
      #expect(
        counts([
          frame(headers, 1), frame(headers, 3), frame(data, 1, flags: end, [1]),
          frame(last, 1, flags: end),
        ]).offence == .frameAfterEnd)
      #expect(
        counts([frame(headers, 1), frame(3, 1, [0, 0, 0, 8]), frame(last, 1, [1])]).offence
          == .frameAfterEnd)
    }
  }

  /// Others may be on their way, and what the server has ended goes on until the client knows.
  @Test func nothingElseEndsAConnection() {
    #expect(
      counts([
        frame(headers, 1), frame(headers, 3, flags: end), frame(data, 1, [1]),
        frame(8, 3, [0, 0, 0, 1]), frame(3, 3, [0, 0, 0, 8]), frame(2, 3, [0, 0, 0, 0, 1]),
        frame(9, 3), frame(250, 3), frame(headers, 1, flags: end),
        // Neither is begun by the client.
        frame(data, 2, [1]), frame(data, 9, [1]),
      ]).offence == nil)
  }

  @Test func identifiersGoUp() {
    #expect(counts([frame(headers, 5), frame(headers, 3)]).offence == .identifierTooLow)
    #expect(counts([frame(headers, 5), frame(data, 3)]).offence == nil)
  }

  /// Of very many that have not ended, the oldest are forgotten, and nothing is said of them.
  @Test func streamsAreForgotten() {
    var scanner = FrameScanner()
    func scan(_ bytes: [UInt8]) -> FrameScanner.Counts {
      bytes.withUnsafeBytes { scanner.scan($0) }
    }
    func begin(_ stream: Int) -> [UInt8] {
      [0, 0, 0, headers, 0, 0, UInt8(stream >> 16), UInt8(stream >> 8 & 255), UInt8(stream & 255)]
    }
    _ = scan(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
    for number in 0..<10_000 { #expect(scan(begin(2 * number + 1)).offence == nil) }
    let old = scan(frame(data, 1, flags: end, [1]) + frame(data, 1, flags: end, [1]))
    #expect(old.offence == nil)
    // The last one is known.
    var last = begin(19_999)
    (last[3], last[4]) = (data, end)
    #expect(scan(last).offence == nil)
    #expect(scan(last).offence == .frameAfterEnd)
  }
}
