internal import BridgePluginChannel
internal import BridgeTools
internal import Glibc
internal import JSON

/// Why the process of a plugin has ended.
enum ChildEnd: Sendable {
  /// It was told to stop, and did.
  case stopped
  /// A fatal signal, as the process itself has told.
  case crashed(CrashRecord)
  /// As wait(2) tells; for a process that said nothing.
  case exited(status: Int32)
  /// The host has ended it, and why.
  case killed(String)
  /// There never was a process, and why; or it is not known what became of it.
  case failed(String)

  /// In words that go on after "the process of plugin NAME".
  var words: String {
    switch self {
    case .stopped: "has stopped"
    case .crashed(let record):
      "crashed with \(CrashRecord.name(ofSignal: record.signal)) at 0x"
        + String(record.address, radix: 16)
    case .exited(let status):
      if status & 0x7f == 0 {
        "ended itself with exit code \((status >> 8) & 0xff)"
      } else {
        "was ended by \(CrashRecord.name(ofSignal: status & 0x7f))"
      }
    case .killed(let reason): "was ended by the host: \(reason)"
    case .failed(let reason): "is not there: \(reason)"
    }
  }

  /// The failure of a call that ran in it.
  ///
  /// - Parameter isCulprit: Whether it is known that this call was at work when the process ended.
  func failure(plugin: String, tool: String, culprit: String?, isCulprit: Bool) -> ToolFailure {
    var message = "\(tool) has failed: the process of plugin \(plugin) \(words)"
    if let culprit { message += isCulprit ? " in \(culprit)" : " in another call, of \(culprit)" }
    var details = JSONWriter()
    details.write(raw: "{\"plugin\":")
    details.write(plugin)
    details.write(raw: ",\"tool\":")
    details.write(culprit ?? tool)
    if case .crashed(let record) = self {
      details.write(raw: ",\"signal\":")
      details.write(CrashRecord.name(ofSignal: record.signal))
      details.write(raw: ",\"address\":")
      details.write("0x" + String(record.address, radix: 16))
      details.write(raw: ",\"backtrace\":[")
      for (index, frame) in record.stack.enumerated() {
        if index > 0 { details.write(raw: ",") }
        details.write(frame)
      }
      details.write(raw: "]")
    }
    details.write(raw: "}")
    return ToolFailure(
      code: 14, message: message, type: type,
      details: String(decoding: details.bytes, as: UTF8.self),
      // Whether it has done something before nobody knows: repeating it is the caller's decision.
      isRetryable: false)
  }

  /// Whether it speaks against the plugin.
  var isCrash: Bool { if case .stopped = self { false } else { true } }

  /// Whether another process has ended it: nothing that the plugin does itself ends with these signals.
  var isFromOutside: Bool {
    guard case .exited(let status) = self else { return false }
    return [SIGKILL, SIGTERM].contains(status & 0x7f)
  }

  private var type: String {
    switch self {
    case .crashed: "plugin_crashed"
    case .killed: "plugin_killed"
    case .stopped, .exited, .failed: "plugin_ended"
    }
  }
}
