internal import BridgePluginChannel
internal import BridgeTools
internal import DequeModule
internal import Threads

/// A call of another tool, which the host runs: as a tool of this process, it passes on what happens there.
///
/// Thread-safe.
final class NestedCall: Tool {
  private let server: PluginServer
  private let number: UInt64
  private let events = Locked<Deque<HostMessage.NestedEvent>>([])
  private let condition = Condition()

  init(_ server: PluginServer, number: UInt64) {
    self.server = server
    self.number = number
  }

  // What it stands for is described at the host.
  let description = ToolDescription(name: "", description: "", parameters: [], plugin: "")

  func description(named name: String) -> ToolDescription {
    var description = description
    description.name = name
    return description
  }

  /// Has the host cancel the tool with this call.
  func follow(_ call: ToolCall) {
    _ = call.onCancel { [server, number] reason in
      server.send(.nestedCancel(call: number, reason))
    }
  }

  /// Something has happened at the host.
  func take(_ event: HostMessage.NestedEvent) {
    condition.withLock {
      events.withLock { $0.append(event) }
      condition.signal()
    }
  }

  private func next() -> HostMessage.NestedEvent {
    condition.withLock {
      while true {
        if let event = events.withLock({ $0.popFirst() }) { return event }
        condition.wait()
      }
    }
  }

  func run(_ call: ToolCall) {
    defer { server.forgetNested(number) }
    server.willWait()
    while true {
      switch next() {
      case .progress(let fraction, let message): _ = call.progress(fraction, message)
      case .chunk(let chunk):
        while call.emit(chunk) == .full, call.waitForRoom() == nil {}
        server.send(.nestedRoom(call: number))
      case .finished(let outcome):
        for entry in outcome.metadata.entries { call.annotate(entry.key, entry.value) }
        if let blob = outcome.binaryResult { call.setBinaryResult(blob) }
        return call.finish(outcome.result)
      }
    }
  }
}
