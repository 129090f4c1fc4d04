import Glibc
import Logging
import Testing
import Threads

@testable import BridgeHost

@Suite struct LogTests {
  // MARK: Lines

  @Test func textHasTimeLevelMessageAndPairs() {
    let line = StandardErrorLog.line(
      .text, level: .info, message: "session created",
      pairs: [("count", "7"), ("name", "a b"), ("empty", "")], time: 1_700_000_000_123_000_000)
    #expect(line == #"2023-11-14T22:13:20.123Z info session created count=7 name="a b" empty="""#)
  }

  @Test func jsonIsOneObject() {
    let line = StandardErrorLog.line(
      .json, level: .error, message: "m", pairs: [("k", "v")], time: 0)
    #expect(
      line == #"{"time":"1970-01-01T00:00:00.000Z","level":"error","message":"m","k":"v"}"#)
  }

  @Test(arguments: StandardErrorLog.Format.allCases)
  func nothingOfOthersLooksLikeALineOrSteersATerminal(format: StandardErrorLog.Format) {
    let hostile = "x\n2023 info forged\u{1B}[31m\u{9B}\u{202E}\u{2028}\u{7F}"
    let line = StandardErrorLog.line(
      format, level: .info, message: hostile, pairs: [("k", hostile), ("v", "a\u{202E}b")])
    #expect(
      !line.unicodeScalars.contains {
        $0.properties.generalCategory == .control || [0x202E, 0x2028].contains($0.value)
      })
    #expect(line.contains("\\n2023"))
    #expect(line.contains("\\u202e"))
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
    (4_102_444_799, "2099-12-31T23:59:59.000Z"), (1_709_208_000, "2024-02-29T12:00:00.000Z"),
    (1_677_628_799, "2023-02-28T23:59:59.000Z"), (1_677_628_800, "2023-03-01T00:00:00.000Z"),
    (1_706_695_629, "2024-01-31T10:07:09.000Z"), (1_682_816_340, "2023-04-30T00:59:00.000Z"),
    (1_701_306_000, "2023-11-30T01:00:00.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
  ])
  func timesAreThoseOfTheCalendar(seconds: Int64, text: String) {
    #expect(Timestamp.text(seconds * 1_000_000_000) == text)
  }

  @Test func onlyValuesThatNeedItAreQuoted() {
    func text(_ value: String) -> String {
      let line = StandardErrorLog.line(
        .text, level: .info, message: "m", pairs: [("k", value)], time: 0)
      return String(line.dropFirst("1970-01-01T00:00:00.000Z info m k=".count))
    }
    for value in ["a=b", "'!~\\", "é", "0"] { #expect(text(value) == value) }
    #expect(text(" ") == "\" \"" && text("a\"") == #""a\"""# && text("") == "\"\"")
  }

  @Test(arguments: [
    (Logger.Level.trace, true), (.debug, true), (.info, false), (.warning, false),
  ])
  func callsAreLoggedAtLevelDebug(level: Logger.Level, isLogged: Bool) {
    var logger = Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
    logger.handler = StandardErrorLog(
      format: .text, logLevel: level, writer: LogWriter(to: -1) { _ in "" })
    #expect((AccessLog(logger) != nil) == isLogged)
  }

  // MARK: The writer

  /// Both ends of a pipe that takes few bytes.
  private func smallPipe() -> (reader: CInt, writer: CInt) {
    var ends: [CInt] = [0, 0]
    pipe(&ends)
    return (ends[0], ends[1])
  }

  /// What comes until the text does.
  private func read(_ descriptor: CInt, until end: String) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count <= 0 { break }
      bytes += chunk[..<count]
      if String(decoding: bytes, as: UTF8.self).contains(end) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func linesComeInOrder() {
    let (reader, writer) = smallPipe()
    let log = LogWriter(to: writer) { "lost \($0)" }
    for number in 1...100 { log.write("line \(number)") }
    log.flush(atMost: 60_000)
    let text = read(reader, until: "line 100\n")
    #expect(text == (1...100).map { "line \($0)\n" }.joined())
  }

  /// What was logged before can be read afterwards, without waiting for it.
  @Test func flushingWaitsForEveryLine() {
    let (reader, writer) = smallPipe()
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    let log = LogWriter(to: writer) { "lost \($0)" }
    for number in 0..<500 {
      log.write("line \(number)")
      log.flush(atMost: 60_000)
      #expect(read(reader, until: "\n") == "line \(number)\n")
    }
  }

  /// A descriptor that does not block is waited for all the same, and its errors are errors.
  @Test func everythingIsWrittenOrItIsSaid() {
    let (reader, writer) = smallPipe()
    _ = fcntl(writer, F_SETFL, O_NONBLOCK)
    signal(SIGPIPE, SIG_IGN)
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 251) }
    let isWritten = Locked(false)
    #expect(
      startThread(named: "test") {
        let result = writeWhole(bytes, to: writer)
        isWritten.withLock { $0 = result }
        close(writer)
      })
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 10_000)
    while true {
      let count = Glibc.read(reader, &chunk, chunk.count)
      if count <= 0 { break }
      received += chunk[..<count]
    }
    #expect(received == bytes)
    #expect(isWritten.withLock { $0 })
    close(reader)
    let (gone, broken) = smallPipe()
    close(gone)
    #expect(!writeWhole([1], to: broken))
    #expect(writeWhole([], to: broken))
    close(broken)
    #expect(!writeWhole([1], to: broken))
  }

  @Test func aReaderThatDoesNotReadStopsNobodyAndWhatIsLostIsSaid() {
    let (reader, writer) = smallPipe()
    let log = LogWriter(to: writer, capacity: 10_000) { "lost \($0)" }
    let line = String(repeating: "x", count: 99)
    // The pipe takes 64 KiB, the writer as much again while it is stuck, the buffer 10,000 bytes.
    let written = 5_000
    for _ in 0..<written { log.write(line) }
    // It gives up, instead of waiting for ever.
    log.flush(atMost: 1)
    // Lines may be lost several times before anything is read.
    var text = ""
    var lost = 0
    repeat {
      text += read(reader, until: "\n")
      let whole = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      lost = whole.compactMap { $0.hasPrefix("lost ") ? Int($0.dropFirst(5)) : nil }.reduce(0, +)
    } while text.utf8.count { $0 == UInt8(ascii: "x") } / line.utf8.count + lost < written
    #expect(lost > 0)
    let kept = text.split(separator: "\n").count { $0 == line }
    #expect(kept + lost == written)
  }

  @Test func aReaderThatIsGoneStopsNobody() {
    let (reader, writer) = smallPipe()
    close(reader)
    signal(SIGPIPE, SIG_IGN)
    let log = LogWriter(to: writer) { "lost \($0)" }
    for number in 1...1000 { log.write("line \(number)") }
    log.flush(atMost: 60_000)
  }
}
