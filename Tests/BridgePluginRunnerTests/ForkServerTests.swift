import BridgePluginChannel
import Glibc
import Testing
import TrustedFiles

/// The program that makes children, driven by hand.
@Suite(.serialized) struct ForkServerTests {
  private static let program: String = {
    let path = realpath("/proc/self/exe", nil)!
    defer { free(path) }
    let own = String(cString: path)
    return own[...own.lastIndex(of: "/")!] + "bridge-plugin-runner"
  }()

  /// A running program, and our end of its control.
  private final class Runner {
    let control: RunnerControl
    let process: pid_t

    init() throws {
      var ends: [CInt] = [-1, -1]
      let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
      try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
      control = RunnerControl(FileDescriptor(owning: ends[0]))
      process = ChildSystem.spawn(ForkServerTests.program, control: ends[1])
      close(ends[1])
      try #require(process > 0)
    }

    /// Has a child made.
    ///
    /// - Returns: The end of its channel, and its process.
    func start(_ number: UInt64, _ limits: ResourceLimits = ResourceLimits()) throws -> (
      channel: Channel, process: pid_t
    ) {
      let (ours, theirs) = try #require(Channel.pair())
      #expect(control.send(.start(child: number, limits), file: theirs))
      close(theirs)
      guard case .started(number, let child)? = try control.receiveEvent() else {
        throw MalformedFrame("should have started")
      }
      return (ours, child)
    }

    func waitForEnd() -> CInt {
      var status: CInt = 0
      waitpid(process, &status, 0)
      return status
    }
  }

  @Test func aChildEndsWhenItsChannelDoes() throws {
    let runner = try Runner()
    let (channel, process) = try runner.start(7)
    #expect(kill(process, 0) == 0)
    channel.close()
    guard case .ended(7, 0)? = try runner.control.receiveEvent() else {
      Issue.record("should have ended by itself")
      return
    }
    runner.control.close()
    #expect(runner.waitForEnd() == 0)
  }

  @Test func aChildIsKilledByItsNumber() throws {
    let runner = try Runner()
    let first = try runner.start(1)
    let second = try runner.start(2)
    runner.control.send(.kill(child: 1))
    guard case .ended(1, SIGKILL)? = try runner.control.receiveEvent() else {
      Issue.record("should have been killed")
      return
    }
    #expect(kill(first.process, 0) != 0 && kill(second.process, 0) == 0)
    // Nobody of that number is left: nothing happens.
    runner.control.send(.kill(child: 1))
    _ = try runner.start(3)
    runner.control.close()
    #expect(runner.waitForEnd() == 0)
    withExtendedLifetime((first, second)) {}
  }

  /// By whatever the host has ended: its end of the control is gone.
  @Test func allEndWithTheHost() throws {
    var runner: Runner? = try Runner()
    let children = try (1...5).map { try runner!.start(UInt64($0)) }
    let process = runner!.process
    runner = nil
    var status: CInt = 0
    #expect(waitpid(process, &status, 0) == process && status == 0)
    for child in children { #expect(kill(child.process, 0) != 0) }
  }

  @Test func byHandItSaysWhatItIs() throws {
    let output = popen("'\(Self.program)' 2>&1 3<&-", "r")!
    var text = [CChar](repeating: 0, count: 256)
    fgets(&text, CInt(text.count), output)
    #expect(pclose(output) >> 8 == 64)
    let line = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    #expect(line.contains("bridge-host, which starts it"), "\(line)")
  }
}
