internal import BridgePluginChannel
internal import Glibc
internal import TrustedFiles

/// Makes children for a host, tells of their ends, and takes all with it when the host is gone.
///
/// One thread: a process of several must not fork.
struct ForkServer: ~Copyable {
  private let control: RunnerControl
  private let signals: CInt
  private var profiles = ProfileKeeper()
  /// The children that live.
  private var living: [UInt64: LivingChild] = [:]

  /// Those that have ended last, to know what they have left behind: by the channel that it has open, or by
  /// their mark in its environment.
  private var lastEnded: [(number: UInt64, channel: String)] = []

  private struct LivingChild {
    var process: pid_t
    /// What its end of its channel is called in /proc.
    var channel: String
    var group: ControlGroup?
  }

  /// Groups of children that have ended, and are not empty yet.
  private var leftGroups: [ControlGroup] = []
  /// What was told to be missing of groups.
  private var toldFaults: Set<String> = []

  init(_ control: RunnerControl) {
    self.control = control
    _ = fcntl(control.number, F_SETFD, FD_CLOEXEC)
    signals = ChildSystem.makeChildSignals()
  }

  /// Serves the host until it is gone.
  mutating func run() -> Never {
    // What a plugin's processes leave behind comes here, and not to init.
    ChildSystem.adoptOrphans()
    var descriptors = [
      pollfd(fd: control.number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      guard poll(&descriptors, 2, -1) >= 0 || errno == EINTR else { break }
      if descriptors[1].revents != 0 { reap() }
      if descriptors[0].revents != 0 {
        guard let received = try? control.receiveRequest() else { break }
        serve(received.request, received.file)
      }
    }
    endAll()
  }

  private mutating func serve(_ request: RunnerControl.Request, _ file: CInt) {
    defer { if file >= 0 { close(file) } }
    switch request {
    // It has said so before.
    case .identity: break
    case .start(let child, let limits):
      guard file >= 0 else { return }
      let parent = getpid()
      let channel = Self.link("/proc/self/fd/\(file)")
      var (profile, untold) = profiles.profile(limits.profile)
      var faults: [String] = []
      let group = ControlGroup("plugin-\(parent)-\(child)", limits, &faults)
      let newFaults = faults.filter { toldFaults.insert($0).inserted }
      untold += newFaults.map { "a limit of plugins cannot be applied: \($0)" }
      let process = ChildSystem.fork()
      if process == 0 {
        setenv(Self.mark, "\(child)", 1)
        PluginProcess.run(
          channel: file, limits, in: group, profile, untold, parent: parent)
      }
      guard process > 0 else {
        _ = group?.remove()
        control.send(.failed(child: child, reason: String(cString: strerror(errno))))
        return
      }
      living[child] = LivingChild(process: process, channel: channel, group: group)
      control.send(.started(child: child, process: process))
    case .kill(let child):
      if let process = living[child]?.process { end(process) }
    }
  }

  /// Ends a child and what it has started, as far as that has stayed in its group.
  private func end(_ process: pid_t) {
    kill(-process, SIGKILL)
    // Before it has made its group there is none.
    kill(process, SIGKILL)
  }

  private mutating func reap() {
    var information = [UInt8](repeating: 0, count: 128)
    while read(signals, &information, information.count) > 0 {}
    while true {
      var status: CInt = 0
      let process = waitpid(-1, &status, WNOHANG)
      guard process > 0 else { break }
      guard let child = living.first(where: { $0.value.process == process })?.key,
        let ended = living.removeValue(forKey: child)
      else { continue }
      // What it has started ends with it.
      kill(-process, SIGKILL)
      lastEnded.append((child, ended.channel))
      if lastEnded.count > Self.lastEndedLimit { lastEnded.removeFirst() }
      if let group = ended.group {
        if group.wasExhausted { control.send(.exhausted(child: child)) }
        leftGroups.append(group)
      }
      control.send(.ended(child: child, status: status))
    }
    endStrangers()
    leftGroups.removeAll { $0.remove() }
  }

  /// Ends what comes from children that have ended. Each end may bring others here, which it had started,
  /// and a signal with them.
  private func endStrangers() {
    guard !lastEnded.isEmpty else { return }
    let known = Set(living.values.map(\.process))
    for process in Self.children where !known.contains(process) {
      let channel = Self.link("/proc/\(process)/fd/3")
      let environment = Self.content("/proc/\(process)/environ").split(separator: 0)
      let isLeft = lastEnded.contains { child in
        child.channel == channel
          || environment.contains { $0.elementsEqual("\(Self.mark)=\(child.number)".utf8) }
      }
      if isLeft { kill(process, SIGKILL) }
    }
  }

  private static let lastEndedLimit = 64

  /// In the environment of a child, and of the programs that it starts.
  private static let mark = "BRIDGE_PLUGIN_CHILD"

  private static func link(_ path: String) -> String {
    var target = [UInt8](repeating: 0, count: 256)
    let count = target.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
    return String(decoding: target.prefix(max(0, count)), as: UTF8.self)
  }

  /// Ends every process that has come from here, those that have left their group too.
  private func endAll() -> Never {
    for child in living.values { end(child.process) }
    // What loses its parent comes here, and is found at the next look.
    for _ in 0..<100 {
      let left = Self.children
      for process in left { kill(process, SIGKILL) }
      while waitpid(-1, nil, WNOHANG) > 0 {}
      if left.isEmpty { break }
      usleep(1000)
    }
    for group in leftGroups + living.values.compactMap(\.group) { _ = group.remove() }
    exit(0)
  }

  /// Source: proc(5), /proc/pid/task/tid/children.
  private static var children: [pid_t] {
    content("/proc/thread-self/children").split(separator: UInt8(ascii: " ")).compactMap {
      pid_t(String(decoding: $0, as: UTF8.self))
    }
  }

  private static func content(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var content: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while case let count = read(file, &part, part.count), count > 0 { content += part[..<count] }
    return content
  }
}
