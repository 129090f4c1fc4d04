internal import Logging
internal import Synchronization
internal import Threads

/// Watches over the state of the process while code of plugins runs in it, and tells whose code has changed
/// it.
///
/// It is looked at after a plugin is loaded and, every now and then, after calls. Thread-safe.
final class ProcessGuard: Sendable {
  /// Nanoseconds between two looks.
  private static let interval: Int64 = 200_000_000

  /// Whether a tool has run since the last look.
  final class Mark: Sendable {
    let tool: String
    fileprivate let hasRun = Atomic<Bool>(false)

    init(tool: String) { self.tool = tool }
  }

  /// The state is the process's: one guard looks after it.
  static let shared = ProcessGuard()

  private struct Watched: ~Copyable {
    var state = ProcessState()
    var marks: [WeakMark] = []
  }

  private struct WeakMark: Sendable {
    weak var mark: Mark?
  }

  private let watched = Locked(Watched())
  private let nextLook = Atomic<Int64>(0)

  /// Notes a tool that is to be named when it has run.
  func add(_ mark: Mark) {
    watched.withLock { watched in
      watched.marks.removeAll { $0.mark == nil }
      watched.marks.append(WeakMark(mark: mark))
    }
  }

  /// Looks at once, after something was done.
  func look(after what: String, _ logger: Logger) {
    let changes = watched.withLock { $0.state.restore() }
    if !changes.isEmpty {
      tell(changes, ["after": "\(what)"], logger)
    }
  }

  /// Looks if the last time is long enough ago.
  func lookNowAndThen(after mark: Mark, _ logger: Logger) {
    mark.hasRun.store(true, ordering: .relaxed)
    let now = MonotonicClock.now
    let due = nextLook.load(ordering: .relaxed)
    guard now >= due else { return }
    let (isMine, _) = nextLook.compareExchange(
      expected: due, desired: now + Self.interval, ordering: .relaxed)
    guard isMine else { return }
    let (changes, tools) = watched.withLock { watched in
      let changes = watched.state.restore()
      var tools: [String] = []
      for entry in watched.marks {
        if let mark = entry.mark, mark.hasRun.exchange(false, ordering: .relaxed) {
          tools.append(mark.tool)
        }
      }
      return (changes, tools)
    }
    if !changes.isEmpty {
      tell(changes, ["tools": "\(tools.sorted().joined(separator: ", "))"], logger)
    }
  }

  private func tell(_ changes: [String], _ metadata: Logger.Metadata, _ logger: Logger) {
    logger.warning(
      "code of a plugin has changed state of the whole process: \(changes.joined(separator: ", "))",
      metadata: metadata)
  }
}
