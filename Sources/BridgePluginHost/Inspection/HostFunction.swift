/// A function that the host offers to plugins: its table and its name there.
///
/// Source: the headers `bridge/call.h`, `bridge/variables.h`, `bridge/tools.h` and `bridge/entry.h`.
package enum HostFunction: String, Sendable, CaseIterable {
  case parameter = "call.parameter"
  case sessionID = "call.session_id"
  case metadata = "call.metadata"
  case check = "call.check"
  case remaining = "call.remaining"
  case sleep = "call.sleep"
  case progress = "call.progress"
  case result = "call.result"
  case giveResult = "call.give_result"
  case giveBinary = "call.give_binary"
  case annotate = "call.annotate"
  case emit = "call.emit"
  case waitForRoom = "call.wait_for_room"
  case fail = "call.fail"
  case lastError = "call.last_error"
  case log = "call.log"
  case state = "call.state"
  case keepState = "call.keep_state"
  case retain = "call.retain"
  case complete = "call.complete"
  case onCancel = "call.on_cancel"
  case forget = "call.forget"

  case get = "variables.get"
  case read = "variables.read"
  case release = "variables.release"
  case list = "variables.list"
  case set = "variables.set"
  case setAll = "variables.set_all"
  case create = "variables.create"
  case remove = "variables.remove"
  case watch = "variables.watch"
  case unwatch = "variables.unwatch"

  case invoke = "tools.invoke"
  case outcome = "tools.outcome"
  case drop = "tools.drop"

  case hostExtension = "host.extension"
  case refuse = "host.refuse"
  case hostLog = "host.log"

  /// Whether a host may answer it with an error that lies in no argument: those that end something
  /// may not, and those that answer nothing cannot.
  package var mayFail: Bool {
    switch self {
    case .log, .complete, .forget, .release, .unwatch, .drop, .hostExtension, .refuse, .hostLog,
      .fail, .lastError:
      false
    default: true
    }
  }

  /// Whether it may keep its caller waiting.
  package var mayWait: Bool {
    switch self {
    case .sleep, .waitForRoom, .outcome: true
    default: false
    }
  }
}

/// Code of a plugin that the host calls.
package enum PluginFunction: String, Sendable, CaseIterable {
  case entry = "bridge_plugin_entry"
  case start = "init"
  case stop = "deinit"
  case tool = "run"
  case onVariable = "on_variable"
  case onChange = "on_change"
  case onCancel = "on_cancel"
  case onChunk = "on_chunk"
  case onEnd = "on_end"
}
