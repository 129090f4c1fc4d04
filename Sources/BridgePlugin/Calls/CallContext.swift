internal import BridgePluginABI

/// What every call offers; `ToolCall` and `ReadOnlyToolCall` are the two kinds.
///
/// All of it may be used from any thread until the tool has returned (an `AsyncTool`: until its
/// task has ended). Later, functions throw `failedPrecondition`.
public protocol CallContext: Sendable {
  /// What the SDK keeps of the call. Tools have no use for it.
  var state: CallState { get }
}

/// One call of a tool.
public struct ToolCall: CallContext {
  /// What the SDK keeps of the call. Tools have no use for it.
  public let state: CallState

  /// The variables of the caller's session.
  public var variables: VariableAware { VariableAware(state: state) }
}

/// One call of a read-only tool.
public struct ReadOnlyToolCall: CallContext {
  /// What the SDK keeps of the call. Tools have no use for it.
  public let state: CallState

  /// The variables of the caller's session, to read and to watch.
  public var variables: ReadOnlyVariableAware { ReadOnlyVariableAware(state: state) }
}

extension CallContext {
  /// The value of a parameter, which must be a stored property of the tool.
  public subscript<Value>(parameter: Parameter<Value>) -> Value { state.value(of: parameter) }

  /// The id of the caller's session.
  public var sessionID: String {
    var id = bridge_str()
    let status = state.api.table.session_id!(state.api.call.pointer, &id)
    return status == Status.ok ? String(id) : ""
  }

  /// An entry of the request's metadata, or nil where there is none.
  public func metadata(_ key: String) -> String? {
    var value = bridge_str()
    let status = key.withView { state.api.table.metadata!(state.api.call.pointer, $0, &value) }
    return status == Status.ok ? String(value) : nil
  }

  /// Writes a line to the host's log.
  public func log(_ level: LogLevel, _ text: String) {
    text.withView { state.api.table.log!(state.api.call.pointer, level.rawValue, $0) }
  }

  /// Adds an entry to the answer's metadata.
  public func annotate(_ key: String, _ value: String) throws(ToolError) {
    let status = key.withView { key in
      value.withView { state.api.table.annotate!(state.api.call.pointer, key, $0) }
    }
    try state.api.check(status)
  }

  /// Sets bytes that are answered beside the result. They are handed over, not copied.
  public func setBinaryResult(_ bytes: [UInt8]) throws(ToolError) {
    // The storage of an array neither moves nor changes while somebody who does not write to it
    // holds it: the context does, until the host gives it back, which it does whatever it answers.
    let kept = Kept(bytes)
    let status = bytes.withUnsafeBytes { view in
      state.api.table.give_binary!(
        state.api.call.pointer, view.baseAddress, view.count, releaseKept, kept.retained())
    }
    try state.api.check(status)
  }

  /// Other tools, to be called from this call.
  public var tools: ToolCaller { ToolCaller(state: state) }

  /// What the plugin keeps for the caller's session, one object a type: made when it is asked for
  /// first, and let go when the session has ended.
  ///
  ///     let cache = try call.sessionState { Cache() }
  ///
  /// - Parameter make: May run for several calls at once; one object is kept, and all get that.
  public func sessionState<State: AnyObject & Sendable>(
    as type: State.Type = State.self, _ make: () throws -> State
  ) throws -> State {
    try SessionStates.of(state.api).state(make)
  }
}

/// How much a line of the log matters. The raw values are those of the ABI.
public enum LogLevel: UInt32, Sendable, Hashable {
  /// For whoever looks for a fault.
  case debug = 1
  /// The usual course of things.
  case info = 2
  /// Something is odd, and the tool went on.
  case warning = 3
  /// Something failed.
  case error = 4
}
