internal import BridgePluginChannel
internal import Glibc
internal import JSON
internal import Threads
internal import TrustedFiles

/// The process in which one test runs, as the process sees it that has made it.
///
/// It is a copy of this process (fork), which has one thread: the program itself, without anything of the plugin.
final class TestProcess {
  let test: ValidationTest
  let process: pid_t
  /// Readable when it has printed something; closed by `deinit`.
  let output: CInt
  private let channel: Channel
  private let notes: SharedNotes
  private let began = MonotonicClock.now
  private let timeout: Int64
  private var printed: [UInt8] = []
  private var crash: CrashRecord?
  private var wasEnded = false

  /// In nanoseconds.
  private static let second: Int64 = 1_000_000_000

  /// What is kept of what the process prints.
  private static let printedLimit = 64 << 10

  /// Starts a test.
  ///
  /// - Throws: `ValidationError` where the system has no room for it.
  init(
    _ test: ValidationTest, of path: String, _ settings: ValidationSettings, replayed: String
  ) throws(ValidationError) {
    self.test = test
    timeout = Int64(settings.timeout * Double(Self.second))
    var ends: [CInt] = [-1, -1]
    guard let notes = SharedNotes(), let (ours, theirs) = Channel.pair(), pipe(&ends) == 0
    else { throw ValidationError("a process cannot be made: \(String(cString: strerror(errno)))") }
    self.notes = notes
    channel = ours
    output = ends[0]
    _ = fcntl(output, F_SETFL, O_NONBLOCK)
    let parent = getpid()
    process = ChildSystem.fork()
    if process == 0 {
      Self.perform(
        TestRun(test, path: path, settings, replayed: replayed, notes), test, channel: theirs,
        output: ends[1], parent: parent)
    }
    close(theirs)
    close(ends[1])
    guard process > 0 else {
      throw ValidationError("a process cannot be made: \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(output) }

  /// The life of the process.
  private static func perform(
    _ run: TestRun, _ test: ValidationTest, channel: CInt, output: CInt, parent: pid_t
  ) -> Never {
    dup2(output, STDOUT_FILENO)
    dup2(output, STDERR_FILENO)
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    if nothing >= 0 { dup2(nothing, STDIN_FILENO) }
    // EX_OSERR of sysexits.h.
    guard ChildSystem.beginChild(channel: channel, parent: parent) else { _exit(71) }
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    let work = Work(run: run, test: test)
    // Locks of Swift know who holds them by the number of the thread, which the library remembers: on the
    // thread that has forked it is that of another process.
    guard startThread(named: "validate", { work.perform() }) else { _exit(71) }
    // What is sent to the process is for the thread that works.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, nil)
    while true { pause() }
  }

  // @unchecked: made on one thread and used on another, one after the other.
  private final class Work: @unchecked Sendable {
    private let run: TestRun
    private let test: ValidationTest
    private let outbox = Outbox()

    init(run: TestRun, test: ValidationTest) {
      self.run = run
      self.test = test
    }

    func perform() -> Never {
      let channel = Channel(FileDescriptor(owning: 3))
      ChildSystem.enterThread()
      ChildSystem.installCrashHandler(on: channel, outbox)
      run.perform(test)
      // At once: destructors of the plugin are none of this test's.
      _exit(0)
    }
  }

  // MARK: Looking after it

  /// Takes what it has printed and said.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    while case let count = read(output, &bytes, bytes.count), count > 0 {
      printed += bytes[..<count]
      if printed.count > Self.printedLimit {
        printed.removeFirst(printed.count - Self.printedLimit)
      }
    }
    let buffer = Channel.Buffer()
    while case .crash(let record)? = try? channel.receive(into: buffer, waits: false, { _ in }) {
      // The first one has no stack yet.
      crash = record
    }
  }

  /// Ends it where its time is over: first so that it says where it is, then for good.
  ///
  /// - Returns: The nanoseconds until the next look.
  func checkTime() -> Int64 {
    let age = MonotonicClock.now - began
    if age >= timeout, !wasEnded {
      wasEnded = true
      kill(process, SIGABRT)
    }
    if age >= timeout + Self.second { end() }
    return max(1_000_000, (wasEnded ? timeout + Self.second : timeout) - age)
  }

  /// Ends it and what it has started.
  func end() {
    kill(-process, SIGKILL)
    kill(process, SIGKILL)
  }

  /// What came of it.
  ///
  /// - Parameter status: Of waitpid(2).
  func result(_ status: CInt) -> TestResult {
    drain()
    end()
    let seconds = Double(MonotonicClock.now - began) / Double(Self.second)
    var result = TestResult(test)
    result.seconds = seconds
    result.output = String(decoding: printed, as: UTF8.self)
    let text = notes.result
    if !wasEnded, status == 0, !text.isEmpty, let findings = Self.findings(text) {
      result.take(findings)
    } else {
      result.take([endOfProcess(status)])
      result.stack = crash?.stack ?? []
    }
    return result
  }

  private static func findings(_ text: String) -> [Finding]? {
    guard let json = try? JSON(parsing: text), case .array(let elements) = json else { return nil }
    let findings = elements.compactMap(Finding.init)
    return findings.count == elements.count ? findings : nil
  }

  /// What to say of a process that did not end as it should.
  private func endOfProcess(_ status: CInt) -> Finding {
    let place = notes.place
    let during = place.isEmpty ? "" : " while \(place)"
    let words: String
    if wasEnded {
      words = "it did not end within \(timeout / Self.second) seconds\(during)"
    } else if status & 0x7F == 0 {
      words = "the process was ended with exit code \((status >> 8) & 0xFF)\(during)"
    } else {
      let signal = CrashRecord.name(ofSignal: crash?.signal ?? status & 0x7F)
      let address = crash.map { $0.signal == SIGSEGV || $0.signal == SIGBUS ? $0.address : 0 } ?? 0
      let at = crash == nil || address == 0 ? "" : " at 0x\(String(address, radix: 16))"
      words = "it crashed with \(signal)\(at)\(during)"
    }
    var finding = Finding(.failure, words)
    if wasEnded {
      finding.remedy =
        "Where it only needs more time, `--timeout` gives it; else it waits for what never comes."
    }
    finding.replay = notes.replay
    return finding
  }
}
