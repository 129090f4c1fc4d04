internal import CMalloc
internal import Glibc
internal import Threads

/// Gives memory that is free back to the system.
///
/// The allocator keeps what was freed, in an arena for every few threads: after a burst of large
/// messages that is gigabytes, for good.
enum HeapMemory {
  /// Blocks of at least so many bytes are mapped on their own and go back when they are freed. The
  /// allocator would raise this after the first large block it frees.
  private static let mappedFrom: CInt = 1024 * 1024
  /// How often to look, in seconds, and what is worth the work.
  private static let interval: UInt32 = 10
  private static let worthBytes = 16 * 1024 * 1024

  /// Sets how memory is held. Before the first thread is made.
  static func configure() {
    // mallopt(3): 1, or 0 for what it does not know; then the allocator goes on as it was.
    _ = mallopt(M_MMAP_THRESHOLD, mappedFrom)
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
