internal import CMalloc
internal import Glibc
internal import NIOCore
internal import Threads

/// Gives memory that is free back to the system.
///
/// The allocator keeps what was freed, in an arena for every few threads: after a burst of large
/// messages that is gigabytes, for good.
///
/// Blocks are not given back one by one: to have the pages of a large message made anew for each costs
/// five times what the message does.
enum HeapMemory {
  /// Threads beyond so many share the arenas: what one of them has freed serves the others.
  private static let arenas = CInt(System.coreCount + 2)
  /// How often to look, in seconds, and what is worth the work.
  private static let interval: UInt32 = 10
  private static let worthBytes = 16 * 1024 * 1024

  /// Sets how memory is held. Before the first thread is made.
  static func configure() {
    // mallopt(3): 1, or 0 for what it does not know; then the allocator goes on as it was.
    _ = mallopt(M_ARENA_MAX, arenas)
  }

  /// How many bytes the program has, of what it has asked the allocator for.
  ///
  /// Source: mallinfo(3).
  static var bytesInUse: Int {
    let information = mallinfo2()
    return information.uordblks + information.hblkhd
  }

  /// Gives back what is free, now and then, for as long as the process lives.
  static func startTrimming() {
    // Without a thread, memory is held as it would be by any other program.
    _ = startThread(named: "heap-trim") {
      while true {
        sleep(interval)
        // What is free in all arenas (mallinfo(3)).
        if mallinfo2().fordblks > worthBytes { malloc_trim(0) }
      }
    }
  }
}
