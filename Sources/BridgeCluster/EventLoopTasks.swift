internal import NIOCore

/// Runs tasks on an event loop: that of the client whose calls they wait for.
///
/// The threads that tasks run on otherwise are few, and whoever waits for a task may hold one.
final class EventLoopTasks: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
