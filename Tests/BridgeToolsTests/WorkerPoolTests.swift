import Threads
import Synchronization
import Testing

@testable import BridgeTools

@Suite struct WorkerPoolTests {
  @Test func everyJobRunsOnce() {
    let pool = WorkerPool("test", threads: 4, queueLimit: .max / 2)
    let condition = Condition()
    let count = Atomic<Int>(0)
    for _ in 0..<5000 {
      #expect(
        pool.submit {
          if count.add(1, ordering: .sequentiallyConsistent).newValue == 5000 {
            condition.withLock { condition.broadcast() }
          }
        })
    }
    condition.withLock {
      while count.load(ordering: .sequentiallyConsistent) < 5000 { condition.wait() }
    }
    pool.stop()
    #expect(!pool.submit {})
  }

  /// Blocked jobs do not keep the next from starting, however few cores there are.
  @Test func blockedJobsKeepNobodyWaiting() {
    let pool = WorkerPool("test", threads: 40, queueLimit: 100)
    let condition = Condition()
    let inside = Atomic<Int>(0)
    for _ in 0..<40 {
      #expect(
        pool.submit {
          condition.withLock {
            if inside.add(1, ordering: .sequentiallyConsistent).newValue == 40 {
              condition.broadcast()
            }
            while inside.load(ordering: .sequentiallyConsistent) < 40 { condition.wait() }
          }
        })
    }
    condition.withLock {
      while inside.load(ordering: .sequentiallyConsistent) < 40 { condition.wait() }
    }
    pool.stop()
  }

  @Test func aFullQueueRefuses() {
    let pool = WorkerPool("test", threads: 1, queueLimit: 2)
    let condition = Condition()
    let open = Atomic<Bool>(false)
    let job: WorkerPool.Job = {
      condition.withLock {
        while !open.load(ordering: .sequentiallyConsistent) { condition.wait() }
      }
    }
    #expect(pool.submit(job))
    var accepted = 0
    while pool.submit(job) { accepted += 1 }
    #expect((1...2).contains(accepted))
    condition.withLock {
      open.store(true, ordering: .sequentiallyConsistent)
      condition.broadcast()
    }
    pool.stop()
  }

  @Test func noThreadOfToolsTakesWorkAfterTheEnd() {
    let threads = ToolThreads()
    #expect(threads.pool.submit {} && threads.callbacks.submit {})
    threads.stop()
    #expect(!threads.pool.submit {} && !threads.callbacks.submit {})
  }
}
