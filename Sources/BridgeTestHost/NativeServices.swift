internal import BridgePluginHost
internal import BridgeSessions
internal import BridgeTools
internal import Logging

/// The services of a function that knows nothing of the host: what is read and written for it is traced
/// as if it had done so.
struct NativeServices: CallServices {
  private let services: any CallServices
  private let trace: CallTrace

  init(_ services: any CallServices, _ trace: CallTrace) {
    self.services = services
    self.trace = trace
  }

  private func traced<Result>(
    _ function: HostFunction, _ arguments: [HostArgument], answers: (Result) -> [HostArgument],
    _ body: () throws -> Result
  ) throws -> Result {
    let (place, _) = trace.begins(HostUse(function: function, call: nil, arguments: arguments))
    do {
      let result = try body()
      trace.ends(
        place, function, HostAnswer(status: 0, values: answers(result)), isInjected: false)
      return result
    } catch {
      let status = (error as? SessionError)?.code.statusCode ?? 13
      trace.ends(place, function, HostAnswer(status: status), isInjected: false)
      throw error
    }
  }

  private func name(_ text: String) -> HostArgument {
    HostArgument(name: "identifier", value: .value(.string(text), .string))
  }

  private func answer(_ variable: VariableSnapshot) -> [HostArgument] {
    [
      HostArgument(name: "value", value: .value(variable.value, variable.type)),
      HostArgument(name: "version", value: .value(.integer(Int64(variable.version)), .integer)),
    ]
  }

  var sessionID: String { services.sessionID }
  var sessionEpoch: String { services.sessionEpoch }

  func get(_ identifier: String) throws -> VariableSnapshot {
    try traced(.get, [name(identifier)], answers: answer) { try services.get(identifier) }
  }

  func list(_ pattern: String) throws -> [VariableSnapshot] { try services.list(pattern) }

  func set(_ write: VariableWrite) throws -> VariableSnapshot {
    try traced(
      .set, [name(write.identifier), HostArgument(name: "value", value: write.value)],
      answers: { [answer($0)[1]] }
    ) { try services.set(write) }
  }

  func setAll(_ writes: [VariableWrite]) throws -> [VariableSnapshot] {
    try traced(
      .setAll,
      writes.flatMap {
        [name($0.identifier), HostArgument(name: "value", value: $0.value)]
      }, answers: { _ in [] }
    ) { try services.setAll(writes) }
  }

  func create(_ variable: NewVariable) throws -> VariableSnapshot { try services.create(variable) }
  func remove(_ identifier: String) throws { try services.remove(identifier) }
  func preview(_ change: PendingChange) throws -> VariableSnapshot? { try services.preview(change) }
  func commit(_ changes: [PendingChange]) throws { try services.commit(changes) }

  func watch(
    _ identifiers: [String], initial: Bool,
    deliver: @escaping @Sendable ([VariableChange]) -> VariableDelivery
  ) throws -> any VariableSubscription {
    try services.watch(identifiers, initial: initial, deliver: deliver)
  }

  func log(_ level: Logger.Level, _ message: String, from call: ToolCall) {
    services.log(level, message, from: call)
  }

  func start(
    _ tool: String, arguments: [any ArgumentSource], metadata: VariableMetadata, deadline: Int64?,
    isStreaming: Bool, from caller: ToolCall, waits: Bool, observer: any ToolCallObserver
  ) throws -> ToolCall {
    try services.start(
      tool, arguments: arguments, metadata: metadata, deadline: deadline, isStreaming: isStreaming,
      from: caller, waits: waits, observer: observer)
  }

  func whenSessionEnds(_ body: @escaping @Sendable () -> Void) { services.whenSessionEnds(body) }
}
