/// Applies mutations. Nothing here reads a clock, makes a random number or refuses anything: see
/// `Mutation`.
extension Session.State {
  /// Applies a mutation that was decided on an equal state.
  ///
  /// - Parameter woken: Collects the watches to wake once the lock is released.
  mutating func apply(_ mutation: Mutation, _ woken: inout [Watch]) {
    switch mutation {
    case .register(let definition, let payload, let origin):
      register(definition, payload, origin, &woken)
    case .write(let write, let origin):
      apply(write, at: place(of: write.name), origin, &woken)
    case .batch(let steps): apply(steps, &woken)
    case .setOptimization(let optimization, let name, let cause, let time):
      let variable = variables[place(of: name)]
      setOptimization(optimization, of: variable, cause: cause, time: time, &woken)
    case .remove(let name, let time):
      remove(variables[place(of: name)], time: time, &woken)
    case .addDependency(let dependency): add(dependency)
    case .end(let cause): close(cause, &woken).release()
    }
  }

  private func place(of name: String) -> VariableTable.Place {
    guard let place = variables.place(of: name) else {
      preconditionFailure("a mutation of \(name) meets a state that does not hold it")
    }
    return place
  }

  /// Adds a variable that is not there.
  @discardableResult
  mutating func register(
    _ definition: Variable.Definition, _ payload: Payload, _ origin: Mutation.Origin,
    _ woken: inout [Watch]
  ) -> Variable {
    revision += 1
    let variable = insert(definition, payload, origin, isLast: true, &woken)
    record(.register(definition, payload, origin))
    return variable
  }

  private mutating func insert(
    _ definition: Variable.Definition, _ payload: Payload, _ origin: Mutation.Origin, isLast: Bool,
    _ woken: inout [Watch]
  ) -> Variable {
    lastOrdinal = definition.ordinal
    if definition.name.hasPrefix("var_") { hasNamesLikeIDs = true }
    let variable = Variable(
      definition: definition, payload: settled(payload, over: nil),
      writeMetadata: origin.writer.metadata, source: origin.writer.source, version: 1,
      revision: revision, updatedAt: origin.time)
    account.use(variable.size + definition.size)
    variables.insert(variable)
    publish(.registered, variable, previous: nil, time: origin.time, isLast: isLast, &woken)
    return variable
  }

  /// Makes the next version of a variable, and marks what depends on it.
  ///
  /// - Parameter place: Where the variable is.
  @inline(__always) @discardableResult
  mutating func apply(
    _ write: Mutation.Write, at place: VariableTable.Place,
    _ origin: Mutation.Origin, _ woken: inout [Watch]
  ) -> Variable {
    revision += 1
    // Most sessions have no dependencies: then no array is made.
    guard !dependencies.isEmpty else {
      let variable = replace(at: place, write, origin, isLast: true, &woken)
      if recorder != nil { record(.write(write, origin)) }
      return variable
    }
    let dependents = dependencies.affected(by: [write.name])
    let variable = replace(at: place, write, origin, isLast: dependents.isEmpty, &woken)
    markStale(dependents, time: origin.time, &woken)
    record(.write(write, origin))
    return variable
  }

  /// Applies a batch, and marks what depends on the variables that it writes and is not among them.
  ///
  /// - Parameter steps: At least one, removals first.
  /// - Returns: The new versions, in the order of the steps that make one.
  @discardableResult
  mutating func apply(_ steps: [Mutation.Step], _ woken: inout [Watch]) -> [Variable] {
    revision += 1
    // What is removed depends on nothing any more, and nothing on it.
    var next = 0
    while next < steps.count, case .remove(let name, let time) = steps[next] {
      next += 1
      take(variables[place(of: name)], time: time, isLast: next == steps.count, &woken)
    }
    let (dependents, time) = affected(by: steps[next...])
    var made: [Variable] = []
    made.reserveCapacity(steps.count - next)
    for number in next..<steps.count {
      let isLast = number == steps.count - 1 && dependents.isEmpty
      switch steps[number] {
      case .register(let definition, let payload, let origin):
        made.append(insert(definition, payload, origin, isLast: isLast, &woken))
      case .write(let write, let origin):
        made.append(replace(at: place(of: write.name), write, origin, isLast: isLast, &woken))
      case .remove: preconditionFailure("removals come first in a batch")
      }
    }
    markStale(dependents, time: time, &woken)
    record(.batch(steps))
    return made
  }

  /// What depends on the variables that a batch writes, and the time of its writes.
  private func affected(
    by steps: ArraySlice<Mutation.Step>
  ) -> (dependents: [DependencyGraph.Affected], time: Int64) {
    if dependencies.isEmpty { return ([], 0) }
    var names: [String] = []
    var time: Int64 = 0
    for case .write(let write, let origin) in steps {
      names.append(write.name)
      time = origin.time
    }
    return (dependencies.affected(by: names), time)
  }

  /// Puts the next version of a variable in place of the present one.
  private mutating func replace(
    at place: VariableTable.Place, _ write: Mutation.Write,
    _ origin: Mutation.Origin, isLast: Bool, _ woken: inout [Watch]
  ) -> Variable {
    let current = variables[place]
    var status = Variable.Status()
    if current.hasStatus {
      status.optimization = current.status.optimization?.renewed(until: write.leaseEnd)
    }
    let variable = Variable(
      definition: write.definition ?? current.definition,
      payload: settled(write.payload, over: current), writeMetadata: origin.writer.metadata,
      source: origin.writer.source, version: current.version + 1, revision: revision,
      updatedAt: origin.time, status: status)
    account.use(write.growth)
    variables[place] = variable
    remember(current)
    publish(
      write.definition == nil ? .valueChanged : .constraintsChanged, variable, previous: current,
      time: origin.time, isLast: isLast, &woken)
    return variable
  }

  /// Marks variables as out of date, at the present revision.
  private mutating func markStale(
    _ dependents: [DependencyGraph.Affected], time: Int64, _ woken: inout [Watch]
  ) {
    for (number, dependent) in dependents.enumerated() {
      // Deleting a variable removes it from the graph.
      var variable = variables[place(of: dependent.name)]
      if variable.status.staleSince == 0 {
        var status = variable.status
        status.staleSince = revision
        variable = variable.with(status)
        variables.insert(variable)
      }
      publish(
        .dependencyChanged, variable, previous: nil, cause: dependent.type,
        causedBy: dependent.source, time: time, isLast: number == dependents.count - 1, &woken)
    }
  }

  /// Begins, renews or ends an optimizer's lock.
  @discardableResult
  mutating func setOptimization(
    _ optimization: Optimization?, of current: Variable, cause: String, time: Int64,
    _ woken: inout [Watch]
  ) -> Variable {
    revision += 1
    var status = current.status
    status.optimization = optimization
    let variable = current.with(status)
    variables.insert(variable)
    if optimization == nil {
      optimized.remove(current.name)
    } else {
      optimized.insert(current.name)
    }
    publish(
      .optimizationChanged, variable, previous: nil, cause: cause, time: time, isLast: true,
      &woken)
    record(
      .setOptimization(optimization, variable: current.name, cause: cause, time: time))
    return variable
  }

  /// Removes a variable and all that is kept with it.
  mutating func remove(_ variable: Variable, time: Int64, _ woken: inout [Watch]) {
    revision += 1
    take(variable, time: time, isLast: true, &woken)
    record(.remove(variable: variable.name, time: time))
  }

  private mutating func take(
    _ variable: Variable, time: Int64, isLast: Bool, _ woken: inout [Watch]
  ) {
    variables.remove(variable.name)
    if let history = histories.removeValue(forKey: variable.definition.ordinal) {
      historyBytes -= history.byteCount
    }
    dependencies.remove(variable.name)
    optimized.remove(variable.name)
    account.use(-(variable.size + variable.definition.size))
    publish(.deleted, variable, previous: nil, time: time, isLast: isLast, &woken)
  }

  /// Adds a dependency between variables that are there; it closes no cycle.
  mutating func add(_ dependency: DependencyImage) {
    dependencies.add(dependency)
    record(.addDependency(dependency))
  }

  /// Ends the session.
  ///
  /// - Returns: What it held, to be released outside the lock.
  mutating func close(_ cause: Session.End, _ woken: inout [Watch]) -> SessionContents {
    end = cause
    for watch in allWatches where watch.becomePending(at: log.end) { woken.append(watch) }
    record(.end(cause))
    return takeContents()
  }

  /// Empties the state.
  mutating func takeContents() -> SessionContents {
    let contents = SessionContents(
      variables: variables, histories: histories, dependencies: dependencies)
    variables = VariableTable()
    histories = [:]
    historyBytes = 0
    dependencies = DependencyGraph()
    optimized = []
    account.close()
    return contents
  }

  /// The payload in a form that its readers know.
  private mutating func settled(_ payload: Payload, over current: Variable?) -> Payload {
    var payload = payload
    if payload.form.contains(.inherited) {
      payload.form.settle(from: current?.payload.form ?? form ?? usualForm)
    } else if form == nil {
      form = payload.form
    }
    return payload
  }

  /// Keeps a version that is no longer the present one.
  mutating func remember(_ version: Variable) {
    guard historyVersionLimit > 0 else { return }
    historyBytes += histories[version.definition.ordinal, default: VariableHistory()].add(
      version, limit: historyVersionLimit, room: historyByteLimit - historyBytes)
  }
}
