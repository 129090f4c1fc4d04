internal import Glibc
internal import Threads

/// Writes lines to a descriptor on a thread of its own, so that nobody waits for its reader.
///
/// A pipe that is not read takes 64 KiB and then stops whoever writes. Lines wait in a buffer here; what
/// it has no room for is lost, counted, and told of once there is room again. Thread-safe.
// @unchecked: what is `var` is guarded by `condition`.
final class LogWriter: @unchecked Sendable {
  private let descriptor: CInt
  private let capacity: Int
  private let lossLine: @Sendable (Int) -> String
  private let condition = Condition()
  /// Lines that are not taken yet.
  private var waiting: [UInt8] = []
  /// Lines lost since the last loss was told.
  private var lost = 0
  private var isWriting = false
  /// The last attempt failed: the reader is gone, or the disk is full.
  private var hasFailed = false
  private var hasThread = true

  /// - Parameters:
  ///   - capacity: Bytes that may wait.
  ///   - lossLine: The line that tells of lost ones, without its end.
  init(
    to descriptor: CInt, capacity: Int = 1 << 20,
    lossLine: @escaping @Sendable (_ lost: Int) -> String
  ) {
    self.descriptor = descriptor
    self.capacity = capacity
    self.lossLine = lossLine
    if !startThread(named: "log", { self.run() }) { hasThread = false }
  }

  /// Adds a line. It never waits for a reader.
  func write(_ line: String) {
    condition.withLock {
      let count = line.utf8.count + 1
      guard hasThread, waiting.count + count <= capacity else {
        lost += 1
        return
      }
      waiting.append(contentsOf: line.utf8)
      waiting.append(UInt8(ascii: "\n"))
      if !isWriting { condition.broadcast() }
    }
  }

  /// Waits until every line is written, but not longer than so many milliseconds.
  func flush(atMost milliseconds: Int64) {
    let end = MonotonicClock.now + milliseconds * 1_000_000
    condition.withLock {
      while hasThread, !hasFailed, isWriting || !waiting.isEmpty || lost > 0 {
        if !condition.wait(until: end), MonotonicClock.now >= end { return }
      }
    }
  }

  private func run() {
    var lines: [UInt8] = []
    while true {
      condition.withLock {
        isWriting = false
        condition.broadcast()
        while waiting.isEmpty && lost == 0 { condition.wait() }
        isWriting = true
        swap(&lines, &waiting)
        if lost > 0 {
          lines.append(contentsOf: (lossLine(lost) + "\n").utf8)
          lost = 0
        }
      }
      let isWritten = writeWhole(lines, to: descriptor)
      condition.withLock {
        hasFailed = !isWritten
        if !isWritten { lost += lines.count { $0 == UInt8(ascii: "\n") } }
      }
      // A buffer that was large once is given back.
      lines.removeAll(keepingCapacity: lines.capacity <= 64 * 1024)
      // To try again at once would take a core.
      if !isWritten { usleep(100_000) }
    }
  }
}
