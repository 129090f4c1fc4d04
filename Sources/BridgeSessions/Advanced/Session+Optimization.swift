extension Session {
  /// Seconds an optimizer may stay silent, unless it says otherwise, and at most.
  static let defaultLease = 300
  static let longestLease = 86_400

  /// Locks a variable for an optimizer, which alone changes it from then on.
  ///
  /// The optimizer is who writes with its `optimizer_id`, or the `optimization_id`, in the metadata.
  /// Every write of it renews the lease; so does starting again.
  ///
  /// - Parameters:
  ///   - lease: Seconds without a write after which the lock is gone; 0 takes 300.
  /// - Returns: The variable as it is now, its status with the optimization; and the session's
  ///   revision of this change.
  /// - Throws: `SessionError`: `variableNotFound`, `invalidArgument`, `permissionDenied`,
  ///   `failedPrecondition` when another optimizer holds it.
  public func startOptimization(
    of identifier: String, by optimizer: String, lease: Int = 0
  ) throws -> (variable: Variable, revision: Int64) {
    guard !optimizer.isEmpty, optimizer.utf8.count <= limits.nameLength else {
      throw SessionError(
        .invalidArgument,
        "optimizer_id has \(optimizer.utf8.count) bytes, it must have 1 to \(limits.nameLength)")
    }
    guard (0...Self.longestLease).contains(lease) else {
      throw SessionError(
        .invalidArgument,
        "lease_seconds is \(lease), it must be from 1 to \(Self.longestLease), or 0 for "
          + "\(Self.defaultLease)")
    }
    let writer = Writer(.host, metadata: ["source": optimizer, "optimizer_id": optimizer])
    let now = endLeaseIfOver(of: identifier)
    return try setOptimization(of: identifier, cause: "started") { variable, time in
      try variable.definition.access?.check(writer, changes: variable.name)
      try checkLock(of: variable, writer)
      if let held = variable.status.optimization, !held.isOver(now) {
        return .some(held.renewed(until: held.leaseEnd(from: now)))
      }
      return .some(
        Optimization(
          id: "opt_" + String(UInt64.random(in: .min ... .max), radix: 36), optimizer: optimizer,
          startedAt: time, lease: lease == 0 ? Self.defaultLease : lease, now: now))
    }
  }

  /// Ends an optimization.
  ///
  /// - Parameters:
  ///   - holder: The optimizer's or the optimization's id; nil for a client that cannot say, which
  ///     is believed.
  ///   - force: End it whoever holds it, and succeed when there is none.
  /// - Returns: The variable as it is now, and the session's revision at that moment.
  /// - Throws: `SessionError`: `variableNotFound`, `failedPrecondition` when it is not optimized, or
  ///   by somebody else.
  public func stopOptimization(
    of identifier: String, holder: String?, force: Bool
  ) throws -> (variable: Variable, revision: Int64) {
    endLeaseIfOver(of: identifier)
    return try setOptimization(of: identifier, cause: force ? "forced" : "stopped") {
      variable, _ in
      guard let optimization = variable.status.optimization else {
        if force { return .none }
        throw SessionError(.failedPrecondition, "\(variable.name) is not being optimized")
      }
      if let holder, !force, !optimization.isOptimizer(holder), !optimization.isID(holder) {
        throw SessionError(
          .failedPrecondition,
          "\(variable.name) is held by optimizer \(optimization.optimizer), not by \(holder)",
          details: ["variable": variable.name, "optimizer_id": optimization.optimizer])
      }
      return .some(nil)
    }
  }

  /// Ends the optimizations whose lease is over.
  func endExpiredOptimizations() {
    let names = state.withLock { $0.end == nil ? Array($0.optimized) : [] }
    for name in names { endLeaseIfOver(of: name) }
  }

  /// - Returns: The moment this was decided at, in coarse monotonic milliseconds.
  @discardableResult
  private func endLeaseIfOver(of identifier: String) -> Int64 {
    let now = Clock.coarseMilliseconds
    // A variable or session that has gone meanwhile has no lock any more.
    _ = try? setOptimization(of: identifier, cause: "expired") { variable, _ in
      guard let optimization = variable.status.optimization, optimization.isOver(now) else {
        return .none
      }
      return .some(nil)
    }
    return now
  }

  /// - Parameter decide: Told the variable and the time; answers the lock from now on, or `.none`
  ///   to keep what there is without a change.
  private func setOptimization(
    of identifier: String, cause: String,
    _ decide: (Variable, _ time: Int64) throws -> Optimization??
  ) throws -> (variable: Variable, revision: Int64) {
    let time = Clock.wall
    let (variable, revision, woken) = try state.withLock { state -> (Variable, Int64, [Watch]) in
      try checkOpen(state)
      guard let variable = state.find(identifier) else { throw variableNotFound(identifier) }
      guard let optimization = try decide(variable, time) else {
        return (variable, state.revision, [])
      }
      var woken: [Watch] = []
      let changed = state.setOptimization(
        optimization, of: variable, cause: cause, time: time, &woken)
      return (changed, state.revision, woken)
    }
    for watch in woken { watch.wake() }
    return (variable, revision)
  }
}
