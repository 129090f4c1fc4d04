import ArgumentParser
import BridgeSessions
import GRPC
import NIOCore
import Testing
import TrustedFiles

@testable import BridgeHost

/// Options of `serve` that end in a limit: each one reaches its own field, and no other.
@Suite struct ServeOptionsTests {
  typealias LimitPath = any KeyPath<SessionLimits, Int> & Sendable

  private func serve(_ arguments: String...) throws -> Serve {
    try Serve.parse(arguments)
  }

  @Test(arguments: [
    ("--session-ttl", \SessionLimits.timeToLive as LimitPath),
    ("--max-sessions", \.sessions),
    ("--max-variables", \.variablesPerSession),
    ("--max-session-bytes", \.sessionBytes),
    ("--max-bytes", \.totalBytes),
    ("--history-versions", \.historyVersions),
    ("--history-bytes", \.historyBytes),
    ("--watch-log-changes", \.logChanges),
    ("--watch-log-bytes", \.logBytes),
  ])
  func limitsOfSessions(option: String, limit: LimitPath) throws {
    let defaults = try serve().sessions.limits
    let limits = try serve(option, "2345").sessions.limits
    #expect(limits[keyPath: limit] == 2345)
    #expect(differences(defaults, limits) == 1)
  }

  /// Fields that differ.
  private func differences(_ left: SessionLimits, _ right: SessionLimits) -> Int {
    zip(Mirror(reflecting: left).children, Mirror(reflecting: right).children)
      .filter { "\($0.value)" != "\($1.value)" }.count
  }

  @Test func withoutOptionsTheDefaultsOfTheModulesHold() throws {
    let serve = try serve()
    #expect(differences(serve.sessions.limits, SessionLimits()) == 0)
    #expect(serve.listening.listen.isEmpty)
    #expect(serve.autoCreateSessions)
    #expect(serve.reflection)
  }

  @Test func timesOfConnections() throws {
    let limits = try serve(
      "--keepalive-time", "11", "--keepalive-timeout", "12", "--min-ping-interval", "13",
      "--max-connection-idle", "14", "--max-connection-age", "15",
      "--max-connection-age-grace", "16", "--send-timeout", "17", "--compress-from", "18"
    ).serverLimits
    #expect(limits.keepalive.time == .seconds(11))
    #expect(limits.keepalive.timeout == .seconds(12))
    #expect(limits.keepalive.minimumPingInterval == .seconds(13))
    #expect(limits.keepalive.maxIdle == .seconds(14))
    #expect(limits.keepalive.maxAge == .seconds(15))
    #expect(limits.keepalive.maxAgeGrace == .seconds(16))
    #expect(limits.sendTimeout == .seconds(17))
    #expect(limits.compressionThreshold == 18)
  }

  @Test func zeroStandsForNever() throws {
    let limits = try serve(
      "--keepalive-time", "0", "--max-connection-idle", "0", "--max-connection-age", "0",
      "--max-connection-age-grace", "0", "--send-timeout", "0", "--compress-from", "0"
    ).serverLimits
    #expect(limits.keepalive.time == nil)
    #expect(limits.keepalive.maxIdle == nil)
    #expect(limits.keepalive.maxAge == nil)
    #expect(limits.keepalive.maxAgeGrace == nil)
    #expect(limits.sendTimeout == nil)
    #expect(limits.compressionThreshold == nil)
  }

  @Test func connectionsAreAsManyAsThereAreDescriptorsFor() throws {
    #expect(try serve("--max-connections", "2345").serverLimits.connections == 2345)
    #expect(try serve().serverLimits.connections == DescriptorLimit.connections)
    #expect(DescriptorLimit.connections(of: 8000) == 7000)
    // Some are left where there are few, and there is an end where there is none.
    #expect(DescriptorLimit.connections(of: 256) == 192)
    #expect(DescriptorLimit.connections(of: 10) == 64)
    #expect(DescriptorLimit.connections(of: .max) == 875_000)
  }

  @Test func totalsOfAllConnections() throws {
    let limits = try serve("--max-unread-bytes", "2345", "--max-request-bytes", "234567890")
      .serverLimits
    #expect(limits.totalAnswerBytes == 2345)
    #expect(limits.totalRequestBytes == 234_567_890)
    let defaults = try serve().serverLimits
    #expect(defaults.totalAnswerBytes == ServerLimits().totalAnswerBytes)
    #expect(defaults.totalRequestBytes == ServerLimits().totalRequestBytes)
    // Two of the largest messages fit.
    let small = try serve("--max-request-bytes", "1024", "--max-message-bytes", "5000").serverLimits
    #expect(small.totalRequestBytes == 10_000)
  }

  @Test func thereIsRoomForTheLargestMessages() throws {
    let small = try serve("--max-message-bytes", "1024").serverLimits
    #expect(small.messageSize == 1024)
    #expect(small.requestBytes == ServerLimits().requestBytes)
    let large = try serve("--max-message-bytes", "1000000000").serverLimits
    #expect(large.messageSize == 1_000_000_000)
    #expect(large.requestBytes == 2_000_000_000)
    #expect(large.answerBytes == 1_000_000_000)
  }

  @Test(arguments: [
    ["--grace", "86401"], ["--grace", "-1"], ["--event-loops", "1025"], ["--tool-threads", "0"],
    ["--max-message-bytes", "1023"], ["--port", "65536"], ["--session-ttl", "0"],
    ["--grace", "1.5"], ["--grace", ""], ["--no-such-option"], ["--log-level", "loud"],
  ])
  func whatIsOutOfRangeIsRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { try Serve.parse(arguments) }
  }

  /// The rows of a table of docs/limits.md: its first column, and its second.
  private func documented(_ pattern: Regex<(Substring, Substring, Substring)>) throws
    -> [(name: String, value: String)]
  {
    var path = #filePath
    for _ in 0..<3 { path = String(path[..<path.lastIndex(of: "/")!]) }
    let text = try String(
      decoding: TrustedFile(path + "/docs/limits.md").read(limit: 1 << 20), as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
      line.firstMatch(of: pattern).map { (String($0.1), String($0.2)) }
    }
  }

  @Test func defaultsAreThoseOfTheDocumentation() throws {
    // What is said of each option, the lines of it joined.
    let help = Serve.helpMessage(columns: 10_000).split(separator: "\n  --").map { option in
      option.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    let rows = try documented(/^\| `--([a-z-]+)` \| ([0-9]+) \|/)
    #expect(rows.count >= 23)
    for (name, value) in rows {
      let option = help.first { $0.hasPrefix("\(name) ") }
      #expect(option?.contains("(default: \(value))") == true, "\(name): \(option ?? "none")")
    }
  }

  @Test func limitsThatNoOptionChangesAreThoseOfTheDocumentation() throws {
    let limits = ServerLimits()
    let actual: [String: Int] = [
      "headerListSize": limits.headerListSize, "concurrentStreams": limits.concurrentStreams,
      "streamWindow": limits.streamWindow, "connectionWindow": limits.connectionWindow,
      "requestBytes": limits.requestBytes, "metadataBytes": limits.metadataBytes,
      "answerBytes": limits.answerBytes, "controlFrameBurst": limits.controlFrameBurst,
      "controlFramesPerSecond": limits.controlFramesPerSecond,
    ]
    let rows = try documented(/^\| `ServerLimits\.([A-Za-z]+)` \| ([0-9]+(?: [KM]iB)?) \|/)
    #expect(rows.count >= actual.count)
    for (name, value) in rows {
      let words = value.split(separator: " ")
      let unit = words.count < 2 ? 1 : words[1] == "KiB" ? 1024 : 1024 * 1024
      #expect(try actual[name] == #require(Int(words[0])) * unit, "\(name)")
    }
  }

  /// What each number may be.
  private static let ranges = [
    ("--session-ttl", 1, 2_147_483_647), ("--max-sessions", 1, 100_000_000),
    ("--max-variables", 1, 100_000_000), ("--max-session-bytes", 1024, 1 << 50),
    ("--max-bytes", 1024, 1 << 50), ("--history-versions", 0, 1_000_000),
    ("--history-bytes", 0, 1 << 40), ("--watch-log-changes", 1, 100_000_000),
    ("--watch-log-bytes", 1024, 1 << 40), ("--max-connections", 0, 2_147_483_647),
    ("--keepalive-time", 0, 2_147_483_647), ("--keepalive-timeout", 1, 2_147_483_647),
    ("--min-ping-interval", 0, 2_147_483_647), ("--max-connection-idle", 0, 2_147_483_647),
    ("--max-connection-age", 0, 2_147_483_647), ("--max-connection-age-grace", 0, 2_147_483_647),
    ("--send-timeout", 0, 2_147_483_647), ("--max-unread-bytes", 1024, 1 << 50),
    ("--max-request-bytes", 1024, 1 << 50), ("--port", 0, 65_535), ("--grace", 0, 86_400),
    ("--event-loops", 0, 1024), ("--tool-threads", 1, 10_000),
    ("--max-message-bytes", 1024, 2_147_483_647), ("--record-bytes", 1 << 20, 1 << 50),
  ]

  @Test func numbersMayBeAtTheirEnds() {
    for end in 0...1 {
      let arguments = Self.ranges.flatMap { [$0.0, "\(end == 0 ? $0.1 : $0.2)"] }
      #expect(throws: Never.self) { try Serve.parse(arguments) }
    }
  }

  @Test func numbersBeyondTheirEndsAreRefused() {
    for (option, least, most) in Self.ranges {
      for value in [least - 1, most + 1] {
        let error = #expect(throws: (any Error).self) { try Serve.parse(["\(option)=\(value)"]) }
        #expect(error.map { Serve.message(for: $0).contains(option) } == true)
      }
    }
  }
}
