internal import Synchronization

/// What the SDK keeps of one call. Tools have no use for it.
public final class CallState: Sendable {
  let api: CallAPI
  private let arguments: [Argument]
  private let open = Mutex(Open())

  private struct Open {
    var fault: ToolError?
    var watches: [ActiveWatch] = []
    var isOver = false
  }

  init(api: CallAPI, arguments: [Argument]) {
    self.api = api
    self.arguments = arguments
  }

  /// A mistake of the tool that its call must answer with, whatever the tool answers.
  var fault: ToolError? { open.withLock { $0.fault } }

  /// The value of a parameter. One that the tool did not declare has no value: what is answered
  /// then is made up, and the call fails when the tool returns.
  func value<Value>(of parameter: Parameter<Value>) -> Value {
    let type = ObjectIdentifier(Value.self)
    for argument in arguments where argument.type == type && argument.name == parameter.name {
      return unsafeDowncast(argument, to: TypedArgument<Value>.self).value
    }
    return undeclared(parameter)
  }

  /// Out of line: it has work with types that only it needs.
  @inline(never)
  private func undeclared<Value>(_ parameter: Parameter<Value>) -> Value {
    open.withLock { open in
      open.fault = ToolError(
        .internalError,
        "the tool read the parameter \(parameter.name), a \(Value.self), which is not one of its "
          + "stored properties")
    }
    return parameter.defaultValue ?? Value.placeholder
  }

  /// Notes a watch, to be ended with the call. Answers false when the call is over.
  func add(_ watch: ActiveWatch) -> Bool {
    open.withLock { open in
      if !open.isOver { open.watches.append(watch) }
      return !open.isOver
    }
  }

  func remove(_ watch: ActiveWatch) {
    open.withLock { open in open.watches.removeAll { $0 === watch } }
  }

  /// Ends all watches, so that no callback runs once the tool has returned.
  func endWatches() {
    let watches = open.withLock { open in
      open.isOver = true
      let watches = open.watches
      open.watches = []
      return watches
    }
    for watch in watches { watch.cancel() }
  }
}
