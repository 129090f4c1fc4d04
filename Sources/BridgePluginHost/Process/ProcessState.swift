internal import Glibc

/// State of the whole process that code of plugins can change and that the host, or other plugins, rely on.
///
/// What the host cannot do without is put back when it has changed; the rest is only told, since a plugin may
/// have its reasons, as a runtime that handles signals has.
struct ProcessState: ~Copyable {
  /// Private duplicates of descriptors 0 to 2; -1 where there was none.
  private let streams: [CInt]
  private let workingDirectory: CInt
  private let locale: String
  private let fileMode: String
  private var environment: [String]
  private var signals: [Action]

  /// O_PATH, which Swift does not see because it is a GNU extension.
  private static let pathOnly: CInt = 0o10_000_000

  /// Signals whose actions are the host's.
  private static let ownSignals: [(number: CInt, name: String)] = [
    (SIGPIPE, "SIGPIPE"), (SIGTERM, "SIGTERM"), (SIGINT, "SIGINT"),
  ]
  /// Signals whose actions are looked at.
  private static let otherSignals: [(number: CInt, name: String)] = [
    (SIGHUP, "SIGHUP"), (SIGQUIT, "SIGQUIT"), (SIGCHLD, "SIGCHLD"), (SIGSEGV, "SIGSEGV"),
    (SIGBUS, "SIGBUS"), (SIGFPE, "SIGFPE"), (SIGILL, "SIGILL"), (SIGABRT, "SIGABRT"),
    (SIGALRM, "SIGALRM"), (SIGPROF, "SIGPROF"), (SIGUSR1, "SIGUSR1"), (SIGUSR2, "SIGUSR2"),
  ]
  private static let streamNames = ["standard input", "standard output", "standard error"]

  /// What a signal does.
  private struct Action: Equatable {
    let handler: Int
    let flags: CInt

    var isIgnored: Bool { handler == unsafeBitCast(SIG_IGN, to: Int.self) }
  }

  /// Notes the present state.
  init() {
    streams = (0...2).map { fcntl($0, F_DUPFD_CLOEXEC, 3) }
    workingDirectory = open(".", Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
    locale = Self.currentLocale
    fileMode = Self.currentFileMode
    environment = Self.currentEnvironment
    signals = Self.actions
  }

  deinit {
    for stream in streams where stream >= 0 { close(stream) }
    if workingDirectory >= 0 { close(workingDirectory) }
  }

  /// Looks at everything, and puts back what the host relies on.
  ///
  /// - Returns: What had changed, each in a few words.
  mutating func restore() -> [String] {
    var changes: [String] = []
    for number in 0..<streams.count {
      let (kept, present) = (Self.identity(of: streams[number]), Self.identity(of: CInt(number)))
      guard kept != nil, kept != present else { continue }
      dup2(streams[number], CInt(number))
      changes.append("\(Self.streamNames[number]) (put back)")
    }
    if workingDirectory >= 0 {
      let present = open(".", Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
      if Self.identity(of: present) != Self.identity(of: workingDirectory) {
        changes.append(
          fchdir(workingDirectory) == 0
            ? "the working directory (put back)" : "the working directory")
      }
      if present >= 0 { close(present) }
    }
    if Self.currentFileMode != fileMode, let mode = mode_t(fileMode, radix: 8) {
      umask(mode)
      changes.append("the mode of new files (put back)")
    }
    if Self.currentLocale != locale {
      setlocale(LC_ALL, locale)
      changes.append("the locale (put back)")
    }
    changes += restoreSignals()
    changes += newEnvironment()
    return changes
  }

  private mutating func restoreSignals() -> [String] {
    let present = Self.actions
    guard present != signals else { return [] }
    var changes: [String] = []
    for (index, signal) in (Self.ownSignals + Self.otherSignals).enumerated()
    where present[index] != signals[index] {
      guard index < Self.ownSignals.count else {
        changes.append("the action of \(signal.name)")
        signals[index] = present[index]
        continue
      }
      // To ignore it is what hosts and SwiftNIO do, and is never taken back.
      if signal.number == SIGPIPE && present[index].isIgnored {
        signals[index] = present[index]
        continue
      }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = unsafeBitCast(
        signals[index].handler, to: __sighandler_t?.self)
      action.sa_flags = signals[index].flags
      sigaction(signal.number, &action, nil)
      changes.append("the action of \(signal.name) (put back)")
    }
    return changes
  }

  private mutating func newEnvironment() -> [String] {
    let present = Self.currentEnvironment
    guard present != environment else { return [] }
    let names = Set(present).symmetricDifference(environment).map { entry in
      String(entry.prefix { $0 != "=" })
    }
    environment = present
    return Set(names).sorted().map { "the environment variable \($0)" }
  }

  // MARK: The present

  /// What a descriptor is open on; nil when it is closed.
  private static func identity(of descriptor: CInt) -> [UInt64]? {
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
    return [UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_rdev)]
  }

  private static var currentLocale: String {
    setlocale(LC_ALL, nil).map { String(cString: $0) } ?? ""
  }

  /// In octal. From the kernel's table, since reading it otherwise would change it for a moment.
  ///
  /// Source: proc(5), /proc/pid/status, since Linux 4.7.
  private static var currentFileMode: String {
    let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = read(file, &bytes, bytes.count)
    let lines = bytes.prefix(max(0, count)).split(separator: UInt8(ascii: "\n"))
    guard let line = lines.first(where: { $0.starts(with: "Umask:".utf8) }) else { return "" }
    let digits = line.dropFirst(6).drop { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
    return String(decoding: digits, as: UTF8.self)
  }

  private static var currentEnvironment: [String] {
    var entries: [String] = []
    var place = environ
    while let entry = place.pointee {
      entries.append(String(cString: entry))
      place += 1
    }
    return entries
  }

  private static var actions: [Action] {
    (ownSignals + otherSignals).map { signal in
      var action = sigaction()
      sigaction(signal.number, nil, &action)
      let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      return Action(handler: handler, flags: action.sa_flags)
    }
  }
}
