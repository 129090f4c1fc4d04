package import BridgeSessions
package import BridgeTools
package import Logging

/// One call of a tool: what it was given, what it asked its host for and was answered, and how it ended.
package struct RecordedCall: Sendable {
  /// The tool, and the plugin that brought it.
  package var tool, plugin: String
  /// The session's id, as the tool sees it.
  package var session = ""
  /// The session's epoch, as the tool sees it.
  package var epoch = ""
  /// Nanoseconds since 1970.
  package var startedAt: Int64 = 0
  /// Nanoseconds from start to end.
  package var took: Int64 = 0
  /// Those of them that the host took to answer.
  package var hostTook: Int64 = 0
  /// Checked, in order.
  package var arguments: [(name: String, value: ToolValue)]
  /// The request's.
  package var metadata: VariableMetadata
  /// Nanoseconds that were left until the deadline; nil without one.
  package var timeLeft: Int64?
  /// Whether chunks went anywhere.
  package var isStreaming: Bool
  /// How many calls of tools it was inside of.
  package var depth: Int
  /// What happened, in the order in which it began.
  package var events: [Event] = []
  /// How it ended.
  package var outcome = ToolOutcome(.success(.null))
  /// Whether its caller or its deadline has asked it to end. When that happens is not the tool's doing.
  package var wasCancelled = false
  /// Why it cannot be replayed; nil where it can.
  package var obstacle: String?

  /// Something that happened in the call.
  package enum Event: Sendable {
    /// The tool asked for something. Nanoseconds of the call at which it did, and until it was answered.
    case asked(Request, Answer, at: Int64, took: Int64)
    /// A watch told of changes.
    case changes(watch: Int, [VariableChange])
    /// The tool wants no more of a watch.
    case unwatched(watch: Int)
    case chunk(ToolValue)
    case progress(Double, String)
    case log(Logger.Level, String)
    /// What happened in a call of another tool.
    case nestedChunk(call: Int, ToolValue)
    case nestedProgress(call: Int, Double, String)
    case nestedEnd(call: Int, ToolOutcome)
  }

  /// What a tool asks for: the functions of `CallServices`.
  package enum Request: Sendable {
    case get(String)
    case list(String)
    case set(VariableWrite)
    case setAll([VariableWrite])
    case create(NewVariable)
    case remove(String)
    case preview(PendingChange)
    case commit([PendingChange])
    case watch(Int, [String], initial: Bool)
    case start(Int, NestedCall)
    case whenSessionEnds
  }

  /// A call of another tool.
  package struct NestedCall: Sendable {
    /// Its name.
    package var tool: String
    /// As the caller gives them.
    package var arguments: [GivenArgument]
    /// Beside the caller's.
    package var metadata: VariableMetadata
    /// Whether chunks go to the caller.
    package var isStreaming: Bool
  }

  /// What it is answered.
  package enum Answer: Sendable {
    /// It has not been answered.
    case none
    case done
    case variable(VariableSnapshot)
    case variables([VariableSnapshot])
    /// A `SessionError` or a `ToolsError`.
    case failure(any Error)
  }

  /// What it asked for, in order.
  package var requests: [Request] {
    events.compactMap { if case .asked(let request, _, _, _) = $0 { request } else { nil } }
  }
}

extension RecordedCall.Request {
  /// Whether it changes variables.
  package var isWrite: Bool {
    switch self {
    case .set, .setAll, .create, .remove, .commit: true
    case .get, .list, .preview, .watch, .start, .whenSessionEnds: false
    }
  }

  /// What is asked for and of what, without values.
  package var subject: String {
    switch self {
    case .get(let name): "get \(name)"
    case .list(let pattern): "list \(pattern)"
    case .set(let write): "set \(write.identifier)"
    case .setAll(let writes): "set \(writes.map(\.identifier).joined(separator: ", "))"
    case .create(let variable): "create \(variable.name)"
    case .remove(let name): "remove \(name)"
    case .preview(let change): "prepare \(Self.subject(change))"
    case .commit(let changes): "commit \(changes.map(Self.subject).joined(separator: ", "))"
    case .watch(_, let names, _): "watch \(names.joined(separator: ", "))"
    case .start(_, let call): "call \(call.tool)"
    case .whenSessionEnds: "when the session ends"
    }
  }

  private static func subject(_ change: PendingChange) -> String {
    switch change.action {
    case .check: "check \(change.identifier)"
    case .write: "set \(change.identifier)"
    case .create: "create \(change.identifier)"
    case .replace: "replace \(change.identifier)"
    case .remove: "remove \(change.identifier)"
    }
  }
}
