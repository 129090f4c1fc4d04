internal import Glibc
internal import Threads

/// Tells when something has changed in directories, and come to rest.
///
/// Where the system has no room for its watches, it tells each second.
///
/// Source: inotify(7).
final class DirectoryWatch: Sendable {
  /// What is watched, and when to look again if nothing happens.
  struct Interest: Sendable {
    /// The names in each directory that matter. In the directory itself all do.
    var places: [String: Set<String>]
    /// Of `MonotonicClock`; nil waits for something to happen.
    var again: Int64?
  }

  private let directory: String
  private let look: @Sendable () -> Interest
  private let failed: @Sendable (String) -> Void
  /// A socket to the thread: a byte has it look at once, and closing it ends it. -1 once it is closed.
  private let control: Locked<CInt>
  private let hasStopped = Condition()
  private let isRunning = Locked(true)

  /// How long nothing must happen before it is told: files that belong together come one after the other.
  private static let settleTime: Int64 = 50_000_000
  /// How long it is waited at most while something always happens.
  private static let longestTime: Int64 = 1_000_000_000
  /// How often it is seen whether the path leads to another directory now, and whether watches have room.
  private static let checkTime: Int64 = 1_000_000_000

  /// - Parameters:
  ///   - directory: An absolute path, of a directory that need not be there.
  ///   - look: Called on a thread of its own, one call at a time; the first one soon.
  ///   - failed: Called once, on that thread, with the reason if there is no room for watches.
  /// - Returns: nil with `errno` where the system has no thread or descriptors for it.
  init?(
    _ directory: String, look: @escaping @Sendable () -> Interest,
    failed: @escaping @Sendable (String) -> Void
  ) {
    var ends: [CInt] = [-1, -1]
    let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    guard socketpair(AF_UNIX, CInt(type), 0, &ends) == 0 else { return nil }
    self.directory = directory
    self.look = look
    self.failed = failed
    control = Locked(ends[1])
    let commands = ends[0]
    if !startThread(named: "plugin-watch", { self.run(commands) }) {
      close(commands)
      close(ends[1])
      errno = EAGAIN
      return nil
    }
  }

  /// Has it look at once. From any thread.
  func poke() {
    control.withLock { control in
      guard control >= 0 else { return }
      var byte: UInt8 = 1
      _ = send(control, &byte, 1, CInt(MSG_NOSIGNAL))
    }
  }

  /// Ends the watch. A look may still go on.
  func cancel() {
    control.withLock { control in
      if control >= 0 { close(control) }
      control = -1
    }
  }

  /// Ends the watch, and waits for a look that goes on.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  func cancel(waitingUntil moment: Int64) {
    cancel()
    hasStopped.withLock {
      while isRunning.withLock(\.self) {
        if !hasStopped.wait(until: moment) { return }
      }
    }
  }

  // MARK: The thread

  private func run(_ commands: CInt) {
    var watches = Watches(directory, failed)
    var interest = Interest(places: [:])
    var due: Int64? = MonotonicClock.now
    var first: Int64?
    while true {
      if watches.update(interest.places) {
        // What came before the watch was there has told nobody.
        due = min(due ?? .max, MonotonicClock.now + Self.settleTime)
      }
      let check = MonotonicClock.now + Self.checkTime
      let moment = min(due ?? .max, interest.again ?? .max, check)
      switch watches.wait(for: commands, until: moment, interest.places) {
      case .stopped:
        watches.close()
        close(commands)
        hasStopped.withLock {
          isRunning.withLock { $0 = false }
          hasStopped.broadcast()
        }
        return
      case .changed:
        let now = MonotonicClock.now
        first = first ?? now
        due = min(now + Self.settleTime, (first ?? now) + Self.longestTime)
      case .poked: due = MonotonicClock.now
      case .nothing: break
      }
      let now = MonotonicClock.now
      if watches.areMissing && now >= check { due = now }
      guard now >= min(due ?? .max, interest.again ?? .max) else { continue }
      (due, first) = (nil, nil)
      interest = look()
    }
  }

  /// The watches that the system keeps. For one thread.
  private struct Watches {
    private let inotify: CInt
    /// Why there is no inotify, if there is none.
    private let fault: CInt
    private let directory: String
    /// What the directory is in, and its name there.
    private let parent: (path: String, name: String)
    private let failed: (String) -> Void
    private var hasFailed = false
    /// The directory of each watch.
    private var paths: [CInt: String] = [:]
    /// Whether something is not watched that should be.
    private(set) var areMissing = false
    private var identity: [UInt64] = []

    init(_ directory: String, _ failed: @escaping (String) -> Void) {
      self.directory = directory
      self.failed = failed
      let slash = directory.utf8.lastIndex(of: UInt8(ascii: "/")) ?? directory.startIndex
      let path = slash == directory.startIndex ? "/" : String(directory[..<slash])
      parent = (path, String(directory[directory.utf8.index(after: slash)...]))
      inotify = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
      fault = errno
    }

    func close() { if inotify >= 0 { Glibc.close(inotify) } }

    /// Watches what should be.
    ///
    /// - Returns: Whether there is a new watch.
    mutating func update(_ places: [String: Set<String>]) -> Bool {
      areMissing = false
      var present: [CInt: String] = [:]
      var isNew = false
      // The directory last: where another path leads to it as well, its own name counts.
      for place in places.keys.filter({ $0 != directory }) + [parent.path, directory] {
        let events =
          IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB
          | IN_DELETE_SELF | IN_MOVE_SELF
        guard inotify >= 0 else {
          miss(fault)
          break
        }
        let number = inotify_add_watch(inotify, place, UInt32(events))
        guard number >= 0 else {
          // What is not there is told of by the directory that it is in.
          if errno != ENOENT { miss(errno) }
          continue
        }
        present[number] = place
        if paths[number] == nil { isNew = true }
      }
      for number in paths.keys where present[number] == nil { inotify_rm_watch(inotify, number) }
      paths = present
      return isNew
    }

    private mutating func miss(_ fault: CInt) {
      areMissing = true
      if !hasFailed { failed(String(cString: strerror(fault))) }
      hasFailed = true
    }

    enum Event {
      case changed
      case poked
      case nothing
      case stopped
    }

    mutating func wait(
      for commands: CInt, until moment: Int64, _ places: [String: Set<String>]
    ) -> Event {
      let left = max(0, moment - MonotonicClock.now)
      let milliseconds = CInt(min(left / 1_000_000 + (left % 1_000_000 > 0 ? 1 : 0), 3_600_000))
      var descriptors = [
        pollfd(fd: commands, events: Int16(POLLIN), revents: 0),
        // A negative one is left out.
        pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&descriptors, 2, milliseconds)
      if descriptors[0].revents != 0 {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(commands, &bytes, bytes.count)
        return count == 0 ? .stopped : .poked
      }
      var hasChanged = hasMoved()
      if descriptors[1].revents != 0, read(places) { hasChanged = true }
      return hasChanged ? .changed : .nothing
    }

    /// Whether the path leads to another directory than it did.
    private mutating func hasMoved() -> Bool {
      var status = stat()
      let found = stat(directory, &status) == 0
      let new = found ? [UInt64(status.st_dev), UInt64(status.st_ino)] : []
      defer { identity = new }
      return new != identity
    }

    /// Takes all events.
    ///
    /// - Returns: Whether one of them matters.
    private mutating func read(_ places: [String: Set<String>]) -> Bool {
      var matters = false
      withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 8) { buffer in
        while true {
          let count = Glibc.read(inotify, buffer.baseAddress, buffer.count)
          guard count > 0 else { return }
          var offset = 0
          while offset + MemoryLayout<inotify_event>.size <= count {
            let event = buffer.load(fromByteOffset: offset, as: inotify_event.self)
            let start = offset + MemoryLayout<inotify_event>.size
            let name = buffer[start..<start + Int(event.len)].prefix { $0 != 0 }
            if self.matters(event, String(decoding: name, as: UTF8.self), places) {
              matters = true
            }
            offset = start + Int(event.len)
          }
        }
      }
      return matters
    }

    private mutating func matters(
      _ event: inotify_event, _ name: String, _ places: [String: Set<String>]
    ) -> Bool {
      if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
      if event.mask & UInt32(IN_IGNORED) != 0 { paths[event.wd] = nil }
      guard let place = paths[event.wd] else { return false }
      // Of the watched directory itself.
      guard !name.isEmpty else { return place != parent.path }
      // Two of them may be one directory, and one watch then.
      if place == directory || places[place]?.contains(name) == true { return true }
      return place == parent.path && name == parent.name
    }
  }
}
