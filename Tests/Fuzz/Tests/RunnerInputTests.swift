import BridgePluginChannel
import BridgeTools
import FuzzTargets
import Glibc
import Testing
import TrustedFiles

/// A plugin's process that is told anything, by the inputs of the target `runner`.
///
/// It may end, with an exit code of its own, and does not crash. Each input has a process of its own, which has
/// loaded a plugin before.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RunnerInputTests {
  private static let directory: String = {
    let path = realpath("/proc/self/exe", nil)!
    defer { free(path) }
    let own = String(cString: path)
    return String(own[..<own.lastIndex(of: "/")!])
  }()

  private let control: RunnerControl
  private let process: pid_t

  init() throws {
    var ends: [CInt] = [-1, -1]
    let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
    control = RunnerControl(FileDescriptor(owning: ends[0]))
    process = ChildSystem.spawn("\(Self.directory)/bridge-plugin-runner", control: ends[1])
    close(ends[1])
    try #require(process > 0)
    // The tests are of the same build.
    guard case .identity(let identity)? = try control.receiveEvent() else {
      throw MalformedFrame("should have said what it is")
    }
    control.send(.identity(identity))
  }

  @Test func noMessageCrashesAProcess() throws {
    defer {
      // It ends with its control. Who else waits for processes is not to find it.
      control.close()
      waitpid(process, nil, 0)
    }
    var random = SeededGenerator(seed: 1)
    let corpus = Corpus.load(.runner)
    #expect(!corpus.isEmpty)
    for number in 1...200 {
      var input = random.pick(corpus)
      if number > corpus.count { input = Mutator.mutate(input, with: corpus, using: &random) }
      let status = try run(input, as: UInt64(number), loads: number % 4 != 0)
      guard status & 0x7f == 0 else {
        Issue.record("the process ended by signal \(status & 0x7f), with the input \(input)")
        return
      }
    }
  }

  /// - Returns: How the process ended, as of wait(2).
  private func run(_ input: [UInt8], as number: UInt64, loads: Bool) throws -> CInt {
    let (ours, theirs) = try #require(Channel.pair())
    #expect(control.send(.start(child: number, ResourceLimits()), file: theirs))
    close(theirs)
    if loads { try load(on: ours) }
    ChannelInput(input).send(on: ours)
    // Threads of calls are at work meanwhile.
    ours.close()
    while let event = try control.receiveEvent() {
      if case .ended(number, let status) = event { return status }
    }
    throw MalformedFrame("the program that makes processes has ended")
  }

  private func load(on channel: Channel) throws {
    let plugin = HostMessage.PluginToLoad(
      path: "\(Self.directory)/libExampleToolsC.so", LoadOptions(), logLevel: .critical)
    var outbox = Outbox()
    let isTaken = outbox.append(HostMessage.load(plugin).frame)
    let sent = outbox.send(on: channel, waits: true)
    try #require(isTaken && sent == .sent)
    let buffer = Channel.Buffer()
    var isLoaded = false
    _ = try channel.receive(into: buffer, waits: true) { reader in
      if case .loaded = try ChildMessage(&reader) { isLoaded = true }
    }
    try #require(isLoaded)
  }
}
