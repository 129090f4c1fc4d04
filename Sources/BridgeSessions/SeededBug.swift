#if DEBUG
  internal import Glibc
  internal import Threads
#endif

/// A fault put in on purpose, which the history checker of the wire tests must find.
///
/// A debug build has the one that the environment variable `BRIDGE_HOST_SEEDED_BUG` names, for
/// example `drop-when-full`. In a release build `isActive` is the constant `false`, and what it
/// guards is not compiled.
package enum SeededBug {
  /// A watch that falls behind the log goes on with what is left of it.
  case dropWhenFull
  /// The parts of an atomic batch get revisions of their own.
  case splitBatch
  /// A watch that resumes starts at the present.
  case resumeFromNow
  /// A heartbeat goes out before the changes it covers.
  case heartbeatFirst
  /// The expected version is checked before the lock is taken.
  case lostUpdate
  /// Some reads answer what an earlier one did.
  case staleRead
  /// Some changes are reported twice.
  case duplicateDelivery
  /// A watch reads its initial values before it is registered.
  case snapshotBeforeRegistration
  /// Some changes wake no watch.
  case missedWake
  /// Some writes leave what depends on them as it was.
  case missedDependent
  /// Some writes pass an optimizer's lock.
  case ignoredLock
  /// A rollback takes the version before the one it was asked for.
  case wrongRollback
  /// An optimizer's lock comes and goes unreported.
  case silentLock

  @inline(__always)
  package var isActive: Bool {
    #if DEBUG
      self == Self.seeded
    #else
      false
    #endif
  }

  /// Answers the value a little later, so that others get in between; at once in a release build.
  @inline(__always)
  static func late<Value>(_ value: Value) -> Value {
    #if DEBUG
      usleep(10_000)
    #endif
    return value
  }

  /// Answers what was read some reads ago; the same in a release build.
  @inline(__always)
  static func stale(
    _ read: (variable: Variable, revision: Int64), _ identifier: String, _ session: Session
  ) -> (variable: Variable, revision: Int64) {
    #if DEBUG
      pastReads.withLock { past in
        let key = "\(session.epoch) \(identifier)"
        if let (variable, revision, uses) = past[key], uses < 3 {
          past[key] = (variable, revision, uses + 1)
          return (variable, revision)
        }
        past[key] = (read.variable, read.revision, 0)
        return read
      }
    #else
      read
    #endif
  }
}

#if DEBUG
  extension SeededBug: CaseIterable {
    /// The one there is, read once.
    private static let seeded: SeededBug? = {
      guard let name = getenv("BRIDGE_HOST_SEEDED_BUG").map({ String(cString: $0) }) else {
        return nil
      }
      guard let bug = allCases.first(where: { $0.name == name }) else {
        fatalError("BRIDGE_HOST_SEEDED_BUG is \(name), which is none of \(allCases.map(\.name))")
      }
      return bug
    }()

    /// The case in lower case with hyphens.
    private var name: String {
      "\(self)".map { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.joined()
    }

    fileprivate static let pastReads = Locked<[String: (Variable, Int64, uses: Int)]>([:])
  }
#endif
