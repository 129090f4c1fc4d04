internal import Synchronization

/// What the SDK keeps of one call. Tools have no use for it.
public final class CallState: Sendable {
  let api: CallAPI
  private let arguments: Argument?
  private let open = Mutex(Open())

  private struct Open {
    var isOver = false
    /// Nil in most calls.
    var extras: Extras?
  }

  /// What few calls have.
  // @unchecked: guarded by the call's lock.
  private final class Extras: @unchecked Sendable {
    var fault: ToolError?
    var watches: [ActiveWatch] = []
  }

  /// - Parameter arguments: The first of them; the rest hang on it.
  init(api: CallAPI, arguments: Argument?) {
    self.api = api
    self.arguments = arguments
  }

  /// The value of a parameter. One that the tool did not declare has no value: what is answered
  /// then is made up, and the call fails when the tool returns.
  func value<Value>(of parameter: Parameter<Value>) -> Value {
    let type = ObjectIdentifier(Value.self)
    var next = arguments
    while let argument = next {
      if argument.type == type && argument.name == parameter.name {
        return unsafeDowncast(argument, to: TypedArgument<Value>.self).value
      }
      next = argument.next
    }
    return undeclared(parameter)
  }

  /// Out of line: it has work with types that only it needs.
  @inline(never)
  private func undeclared<Value>(_ parameter: Parameter<Value>) -> Value {
    open.withLock { open in
      let extras = open.extras ?? Extras()
      open.extras = extras
      extras.fault = ToolError(
        .internalError,
        "the tool read the parameter \(parameter.name), a \(Value.self), which is not one of its "
          + "stored properties")
    }
    return parameter.defaultValue ?? Value.placeholder
  }

  /// Notes a watch, to be ended with the call. Answers false when the call is over.
  func add(_ watch: ActiveWatch) -> Bool {
    open.withLock { open in
      if open.isOver { return false }
      let extras = open.extras ?? Extras()
      open.extras = extras
      extras.watches.append(watch)
      return true
    }
  }

  func remove(_ watch: ActiveWatch) {
    open.withLock { open in open.extras?.watches.removeAll { $0 === watch } }
  }

  /// Ends all watches, so that no callback runs once the tool has returned.
  ///
  /// - Returns: A mistake of the tool that its call must answer with, whatever the tool answers.
  func close() -> ToolError? {
    let extras = open.withLock { open in
      open.isOver = true
      return open.extras
    }
    guard let extras else { return nil }
    let (watches, fault) = open.withLock { _ in
      defer { extras.watches = [] }
      return (extras.watches, extras.fault)
    }
    for watch in watches { watch.cancel() }
    return fault
  }
}
