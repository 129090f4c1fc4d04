extension Session {
  /// The versions held of a variable, newest first, the present one included.
  ///
  /// - Parameter limit: At most this many; 0 for all.
  /// - Throws: `SessionError` with code `variableNotFound`.
  public func history(
    of identifier: String, limit: Int = 0
  ) throws -> (versions: [Variable], revision: Int64) {
    guard limit >= 0 else {
      throw SessionError(.invalidArgument, "limit is \(limit), it must not be negative")
    }
    return try state.withLock { state in
      try checkOpen(state)
      guard let variable = state.find(identifier) else { throw variableNotFound(identifier) }
      let past = state.history(of: variable).reversed()
      let versions = limit == 0 ? [variable] + past : [variable] + past.prefix(limit - 1)
      return (versions, state.revision)
    }
  }

  /// Writes a past version's value as a new version.
  ///
  /// - Parameter writer: The new version's metadata says `rollback_to`.
  /// - Throws: As `set`; `tooOld` when the version is no longer held, `invalidArgument` when there
  ///   never was one, `invalidValue` when it does not satisfy the present constraints.
  @discardableResult
  public func rollback(
    _ identifier: String, to version: Int32, expectedVersion: Int32 = 0, writer: Writer,
    searches: inout SearchBudget
  ) throws -> Variable {
    var writer = writer
    writer.metadata["rollback_to"] = String(version)
    return try change(identifier, expectedVersion: expectedVersion, writer: writer) { current in
      let target = try heldVersion(version, of: current, identifier)
      let payload = try target.payload.admitted(by: current.definition.constraints, &searches)
      return (payload, nil)
    }
  }

  private func heldVersion(
    _ version: Int32, of current: Variable, _ identifier: String
  ) throws -> Variable {
    let held = try history(of: identifier).versions
    if let found = held.first(where: { $0.version == version }) { return found }
    guard version > 0, let newest = held.first?.version, version <= newest else {
      throw SessionError(
        .invalidArgument,
        "\(current.name) has no version \(version); its versions are 1 to \(current.version)",
        details: ["current_version": String(current.version)])
    }
    let oldest = held.last?.version ?? current.version
    throw SessionError(
      .tooOld, "version \(version) of \(current.name) is no longer held; the oldest is \(oldest)",
      details: ["oldest_version": String(oldest)])
  }
}
