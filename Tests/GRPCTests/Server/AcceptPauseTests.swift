import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Testing
import Threads

@testable import GRPC

/// A listener whose process has no descriptor left.
@Suite struct AcceptPauseTests {
  /// Keeps what is logged at level warning: what `times` says.
  private struct Log: LogHandler {
    final class Kept: Sendable { let times = Locked<[String]>([]) }

    let kept: Kept
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      kept.times.withLock { $0.append(event.metadata?["times"].map { "\($0)" } ?? "") }
    }
  }

  private let kept = Log.Kept()
  private let loop = EmbeddedEventLoop()
  private let channel: EmbeddedChannel

  init() throws {
    let log = Log(kept: kept)
    channel = EmbeddedChannel(
      handler: AcceptPause(logger: Logger(label: "test") { _ in log }), loop: loop)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.syncOptions?.setOption(.autoRead, value: true)
  }

  /// What was set last.
  private var isAccepting: Bool? {
    channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
  }

  private func fail(_ code: CInt) {
    channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
  }

  @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
  func acceptingRestsForASecond(code: CInt) throws {
    fail(code)
    #expect(isAccepting == false)
    loop.advanceTime(by: .milliseconds(999))
    #expect(isAccepting == false)
    loop.advanceTime(by: .milliseconds(1))
    #expect(isAccepting == true)
    // It was dealt with.
    try channel.throwIfErrorCaught()
  }

  @Test func otherFailuresAreNotItsOwn() throws {
    fail(ECONNABORTED)
    #expect(isAccepting == true)
    #expect(throws: IOError.self) { try channel.throwIfErrorCaught() }
    struct Odd: Error {}
    channel.pipeline.fireErrorCaught(Odd())
    #expect(throws: Odd.self) { try channel.throwIfErrorCaught() }
    #expect(kept.times.withLock { $0 } == [])
  }

  /// Each warning says how often it happened since the one before.
  @Test func warningsAreAMinuteApart() throws {
    for _ in 0..<4 {
      fail(EMFILE)
      loop.advanceTime(by: .seconds(15))
    }
    #expect(kept.times.withLock { $0 } == ["1"])
    for _ in 0..<3 {
      fail(EMFILE)
      loop.advanceTime(by: .seconds(19))
    }
    #expect(kept.times.withLock { $0 } == ["1", "4"])
    loop.advanceTime(by: .seconds(60))
    fail(EMFILE)
    #expect(kept.times.withLock { $0 } == ["1", "4", "3"])
  }
}
