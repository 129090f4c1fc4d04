extension Session {
  /// Declares that one variable depends on another.
  ///
  /// From then on a change of `source` is reported for `dependent` too, and for what depends on
  /// that, as a change of kind `dependencyChanged` at the same revision; and the dependent is stale
  /// until it is written itself. A dependent that is written in the same batch is not.
  ///
  /// - Parameter type: Free text that updates repeat.
  /// - Throws: `SessionError`: `variableNotFound`, `failedPrecondition` for a cycle, `limitReached`.
  public func addDependency(
    of dependent: String, on source: String, type: String
  ) throws {
    guard type.utf8.count <= limits.nameLength else {
      throw SessionError(
        .invalidArgument,
        "dependency type has \(type.utf8.count) bytes; at most \(limits.nameLength) are taken")
    }
    try journal?.checkAvailable()
    try state.withLock { state in
      try checkOpen(state)
      guard let source = state.find(source)?.name else { throw variableNotFound(source) }
      guard let dependent = state.find(dependent)?.name else {
        throw variableNotFound(dependent)
      }
      let dependency = DependencyImage(source: source, dependent: dependent, type: type)
      guard
        state.dependencies.count < limits.dependencies || state.dependencies.holds(dependency)
      else {
        throw SessionError(
          .limitReached, "session \(id) holds its limit of \(limits.dependencies) dependencies")
      }
      try state.checkDependency(dependency)
      state.add(dependency)
    }
  }

  /// All dependencies, by name.
  public var dependencies: [(source: String, dependent: String, type: String)] {
    state.withLock { $0.dependencies.edges }
  }
}

extension Session.State {
  /// - Throws: `SessionError` with code `failedPrecondition` and the path for what would close a
  ///   cycle.
  func checkDependency(_ dependency: DependencyImage) throws(SessionError) {
    guard let path = dependencies.cycle(closedBy: dependency) else { return }
    throw SessionError(
      .failedPrecondition,
      "\(dependency.dependent) cannot depend on \(dependency.source), which depends on it: "
        + path.joined(separator: " -> "))
  }
}
