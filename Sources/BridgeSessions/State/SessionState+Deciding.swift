/// Decides what writes become. Checks that need no more than the session are in `Session+Writing`.
extension Session.State {
  /// The number of the next registration, of a name that is not there.
  ///
  /// - Parameters:
  ///   - last: The last number that is taken; nil stands for the last registration's.
  ///   - others: Names like ids that are about to be registered before it.
  /// - Throws: `SessionError`: `alreadyExists` for the id of another variable, which would then be
  ///   taken for this one; `limitReached` when there are no more numbers.
  func nextOrdinal(
    for name: String, after last: Int32? = nil, besides others: Set<String> = []
  ) throws(SessionError) -> Int32 {
    let isLikeID = name.hasPrefix("var_")
    if isLikeID, let other = findByID(name) {
      throw SessionError(.alreadyExists, "\(name) is the id of the variable \(other.name)")
    }
    var ordinal = last ?? lastOrdinal
    var isTaken = false
    repeat {
      guard ordinal < Int32.max else {
        throw SessionError(.limitReached, "the session has registered all variables it can")
      }
      ordinal += 1
      // Nor may the new id be another variable's name.
      if hasNamesLikeIDs || isLikeID || !others.isEmpty {
        let id = "var_\(name)_\(ordinal)"
        isTaken = variables[id] != nil || others.contains(id)
      }
    } while isTaken
    return ordinal
  }

  /// Decides what a write makes of a variable. There must be room for its growth.
  ///
  /// - Throws: `SessionError` with code `limitReached`.
  @inline(__always)
  func decideWrite(
    _ payload: Payload, _ definition: Variable.Definition? = nil, of current: Variable,
    _ writer: Writer
  ) throws(SessionError) -> Mutation.Write {
    try checkNextVersion(of: current)
    var growth = Variable.size(payload, writer.metadata) - current.size
    if let definition { growth += definition.size - current.definition.size }
    var leaseEnd: Int64 = 0
    if current.hasStatus, let optimization = current.status.optimization {
      leaseEnd = optimization.leaseEnd(from: Clock.coarseMilliseconds)
    }
    return Mutation.Write(
      name: current.name, payload: payload, definition: definition, leaseEnd: leaseEnd,
      growth: growth)
  }

  private func checkNextVersion(of variable: Variable) throws(SessionError) {
    guard variable.version < Int32.max else {
      throw SessionError(
        .limitReached,
        "\(variable.name) has version \(variable.version), the last there is: delete it and register "
          + "it again")
    }
  }

  /// Ends a lock that nobody holds any more, before something else is done to the variable.
  mutating func endLeaseIfOver(of variable: Variable, time: Int64, _ woken: inout [Watch]) {
    guard variable.hasStatus, let optimization = variable.status.optimization,
      optimization.isOver(Clock.coarseMilliseconds)
    else { return }
    setOptimization(nil, of: variable, cause: "expired", time: time, &woken)
  }
}
