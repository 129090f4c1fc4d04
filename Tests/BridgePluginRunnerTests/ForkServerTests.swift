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
      // The tests are of the same build.
      guard case .identity(let identity)? = try control.receiveEvent() else {
        throw MalformedFrame("should have said what it is")
      }
      control.send(.identity(identity))
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

  // MARK: Control groups

  private func content(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// In a directory that looks like one of cgroup v2, but for what the kernel does.
  @Test func aChildHasAGroupWithItsLimits() throws {
    var name = Array("/tmp/bridge-groups-XXXXXX".utf8CString)
    let directory = String(cString: mkdtemp(&name))
    defer { _ = system("rm -r '\(directory)'") }
    let runner = try Runner()
    var limits = ResourceLimits()
    limits.groups = directory
    let unlimited = try runner.start(1, limits)
    #expect(access("\(directory)/cgroup.subtree_control", F_OK) != 0)
    // Far from what a process needs: the first two are rlimits, too.
    limits.memory = 1 << 40
    limits.processes = 100_000
    limits.processorMillionths = 1_500_000
    let limited = try runner.start(2, limits)
    let group = "\(directory)/plugin-\(runner.process)-2"
    #expect(content("\(group)/memory.max") == "\(1 << 40)")
    #expect(content("\(group)/pids.max") == "100000")
    #expect(content("\(group)/cpu.max") == "150000 100000")
    #expect(content("\(group)/memory.oom.group") == "1")
    #expect(content("\(directory)/cgroup.subtree_control") == "+cpu")
    // It goes there by itself, before it loads anything.
    var isIn = false
    for _ in 0..<10_000 where !isIn {
      isIn = content("\(group)/cgroup.procs") == "0"
      usleep(1000)
    }
    #expect(isIn)
    // The kernel has ended processes of it.
    let events = try #require(fopen("\(group)/memory.events", "w"))
    fputs("max 7\noom 1\noom_kill 1\n", events)
    fclose(events)
    limited.channel.close()
    guard case .exhausted(2)? = try runner.control.receiveEvent(),
      case .ended(2, _)? = try runner.control.receiveEvent()
    else {
      Issue.record("should have been told of")
      return
    }
    runner.control.close()
    #expect(runner.waitForEnd() == 0)
    // What it may have left there has been ended.
    #expect(content("\(group)/cgroup.kill") == "1")
    withExtendedLifetime(unlimited) {}
  }

  /// What a limit lacks is told, once, and the child runs.
  @Test(arguments: [("", "no control group"), ("/nonexistent/groups", "No such file or directory")])
  func whatGroupsLackIsToldOnce(directory: String, words: String) throws {
    let runner = try Runner()
    var limits = ResourceLimits()
    limits.groups = directory
    limits.processorMillionths = 1_000_000
    let (first, _) = try runner.start(1, limits)
    let buffer = Channel.Buffer()
    var text = ""
    while !text.contains(words) {
      let received = try first.receive(into: buffer, waits: true) { reader in
        if case .log(nil, .warning, let line, _) = try ChildMessage(&reader) { text = line }
      }
      try #require(received == .frames, "\(text)")
    }
    #expect(text.hasPrefix("a limit of plugins cannot be applied: "))
    // The second one ends without a word.
    let (second, _) = try runner.start(2, limits)
    shutdown(second.socket.number, CInt(SHUT_WR))
    var rest = 0
    while try second.receive(into: buffer, waits: true, { _ in rest += 1 }) == .frames {}
    #expect(rest == 0)
    runner.control.close()
    #expect(runner.waitForEnd() == 0)
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
