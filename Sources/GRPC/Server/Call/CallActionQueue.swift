internal import NIOCore
internal import Threads

/// What other threads want done to calls of one event loop: any number of actions, one wake-up.
final class CallActionQueue: Sendable {
  private let eventLoop: any EventLoop
  private let actions = Locked<[(call: ServerCall, action: ServerCall.Action)]>([])

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// Does `action` on the event loop, after those posted before it. `[any thread]`
  func post(_ action: ServerCall.Action, to call: ServerCall) {
    let isFirst = actions.withLock { list in
      list.append((call, action))
      return list.count == 1
    }
    if isFirst { eventLoop.execute { self.runAll() } }
  }

  private func runAll() {
    let batch = actions.withLock { list in
      let batch = list
      list = []
      return batch
    }
    for (call, action) in batch { call.apply(action) }
  }
}
