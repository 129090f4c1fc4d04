internal import BridgePluginChannel
internal import Glibc
package import Logging
internal import Synchronization
internal import Threads
internal import TrustedFiles

/// The program that makes children, as the host has it: started when it is first needed, and again should it
/// end.
///
/// Thread-safe.
package final class PluginRunner: Sendable {
  /// Where the program is.
  private let path: String
  /// Of this program, and so of the other one.
  private let identity: RunnerIdentity
  let logger: Logger
  private let state = Locked(State())
  private let hasStopped = Condition()

  private struct State {
    var control: RunnerControl?
    var hasThread = false
    var isStopping = false
    /// Children that were asked for and have not ended.
    var children: [UInt64: Child] = [:]
    /// Requests that wait for the program to start.
    var waiting: [(child: UInt64, limits: ResourceLimits, file: FileDescriptorBox)] = []
    var lastChild: UInt64 = 0
    /// Why the program was of no use the last time: it is told once.
    var lastReason: String?

    /// Nothing is asked for any more.
    mutating func takeChildren() -> [Child] {
      defer { (children, waiting) = ([:], []) }
      return Array(children.values)
    }
  }

  /// - Parameters:
  ///   - path: Of `bridge-plugin-runner`.
  ///   - version: Of this program. The other one is of the same build, or it is not used.
  package init(path: String, version: String, logger: Logger) {
    self.path = path
    identity = RunnerIdentity(version: version)
    self.logger = logger
  }

  /// The name of the program, beside the host's own.
  package static let programName = "bridge-plugin-runner"

  /// Starts the program, which takes a while, before a process is asked for.
  package func prepare() {
    let needsThread = state.withLock { state in
      if state.isStopping { return false }
      defer { state.hasThread = true }
      return !state.hasThread
    }
    if needsThread { startRunning() }
  }

  private func startRunning() {
    if startThread(named: "plugin-runner", { self.run() }) { return }
    state.withLock { $0.hasThread = false }
    failAll("the system has no more threads")
  }

  /// Asks for a process. The child is told what becomes of it.
  func start(_ child: Child, channel: consuming FileDescriptor, _ limits: ResourceLimits) -> UInt64
  {
    let box = FileDescriptorBox(channel)
    let (number, needsThread) = state.withLock { state -> (UInt64, Bool) in
      state.lastChild += 1
      let number = state.lastChild
      state.children[number] = child
      if let control = state.control {
        control.send(.start(child: number, limits), file: box.number)
      } else {
        state.waiting.append((number, limits, box))
      }
      defer { state.hasThread = true }
      return (number, !state.hasThread)
    }
    if needsThread { startRunning() }
    return number
  }

  /// Ends the process of a child, and what it has started.
  func kill(_ child: UInt64) {
    state.withLock { _ = $0.control?.send(.kill(child: child)) }
  }

  /// Ends all children and the program, and waits for that.
  package func stop(until moment: Int64) {
    hasStopped.withLock {
      let isRunning = state.withLock { state in
        state.isStopping = true
        state.control?.close()
        return state.hasThread
      }
      guard isRunning else { return }
      while state.withLock(\.hasThread) {
        if !hasStopped.wait(until: moment) { return }
      }
    }
  }

  // MARK: The thread

  /// How the program has ended, or that it was never there.
  private enum End {
    /// It has served, and is wanted again.
    case ended
    /// It cannot serve, and why. Whoever asks for a process next has it tried again.
    case useless(String)
  }

  /// Runs the program for as long as it is wanted. It is one thread for good: the program ends with it.
  private func run() {
    var delay: useconds_t = 10_000
    while !state.withLock(\.isStopping) {
      let began = MonotonicClock.now
      switch runOnce() {
      case .useless(let reason): return giveUp(reason)
      case .ended:
        if state.withLock(\.isStopping) { break }
        logger.error("the program that makes plugins' processes has ended; it starts again")
        failAll("the program that makes plugins' processes has ended")
      }
      if state.withLock(\.isStopping) { break }
      delay = MonotonicClock.now - began > 10_000_000_000 ? 10_000 : min(delay * 2, 1_000_000)
      usleep(delay)
    }
    hasEnded()
  }

  private func hasEnded() {
    hasStopped.withLock {
      state.withLock { $0.hasThread = false }
      hasStopped.broadcast()
    }
  }

  /// Nothing is gained by starting the program again until somebody has done something about it: the next
  /// request does.
  private func giveUp(_ reason: String) {
    let (isNews, children) = state.withLock { state in
      defer {
        state.lastReason = reason
        // What is asked for from here on finds no thread.
        state.hasThread = false
      }
      return (state.lastReason != reason, state.takeChildren())
    }
    if isNews {
      logger.error(
        "plugins cannot be run in processes of their own: \(reason)",
        metadata: ["program": "\(path)"])
    }
    hasStopped.withLock { hasStopped.broadcast() }
    for child in children { child.processFailed(reason) }
  }

  private func runOnce() -> End {
    guard let (control, theirs) = Self.makeControl() else {
      return .useless(String(cString: strerror(errno)))
    }
    let process = ChildSystem.spawn(path, control: theirs)
    let fault = errno
    // Only the program has the other end now: its own end is seen here.
    close(theirs)
    guard process > 0 else { return .useless(String(cString: strerror(fault))) }
    control.send(.identity(identity))
    let isStopping = state.withLock { state in
      for request in state.waiting {
        control.send(.start(child: request.child, request.limits), file: request.file.number)
      }
      state.waiting = []
      state.control = control
      return state.isStopping
    }
    if isStopping { control.close() }
    let first = (try? control.receiveEvent()) ?? nil
    if first == .identity(identity) {
      while let event = try? control.receiveEvent() { handle(event) }
    }
    control.close()
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    state.withLock { $0.control = nil }
    switch first {
    case .identity(let other) where other != identity:
      return .useless(otherBuild("that says it is \(other)"))
    case .identity: return .ended
    // By a signal, or because this host ends: that says nothing of the program.
    case nil where status & 0x7f != 0 || state.withLock(\.isStopping): return .ended
    case nil:
      return .useless(
        otherBuild("that ends with exit code \((status >> 8) & 0xff) and does not say which"))
    default: return .useless(otherBuild("that does not say which"))
    }
  }

  private func otherBuild(_ what: String) -> String {
    "\(path) is a program of another build, \(what); this host is \(identity). Install "
      + "\(Self.programName) of the same build beside bridge-host, then start the host again or reload the plugins"
  }

  private static func makeControl() -> (RunnerControl, CInt)? {
    var ends: [CInt] = [-1, -1]
    let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
    return (RunnerControl(FileDescriptor(owning: ends[0])), ends[1])
  }

  private func handle(_ event: RunnerControl.Event) {
    switch event {
    // Only the first message says so.
    case .identity: break
    case .started(let number, let process):
      state.withLock({ $0.children[number] })?.started(process: process)
    case .failed(let number, let reason):
      state.withLock { $0.children.removeValue(forKey: number) }?.processFailed(reason)
    case .exhausted(let number): state.withLock({ $0.children[number] })?.processWasExhausted()
    case .ended(let number, let status):
      state.withLock { $0.children.removeValue(forKey: number) }?.processEnded(status)
    }
  }

  private func failAll(_ reason: String) {
    let children = state.withLock { $0.takeChildren() }
    for child in children { child.processFailed(reason) }
  }
}

/// A descriptor that several may hold.
private final class FileDescriptorBox: Sendable {
  private let file: FileDescriptor
  var number: CInt { file.number }
  init(_ file: consuming FileDescriptor) { self.file = file }
}
