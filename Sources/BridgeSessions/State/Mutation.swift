/// What was decided to happen to a session, and all that is needed to apply it.
///
/// Deciding looks at the present: names, versions, access, locks, limits, the clock, random ids.
/// Applying (`Session.State.apply`) reads the mutation and the state, nothing else. So the same
/// mutations, applied in the same order to the same state, always give the same state.
///
/// A mutation makes one revision. `addDependency` and `end` make none.
public enum Mutation: Sendable {
  /// Creates a variable that is not there, with the definition's ordinal.
  case register(Variable.Definition, Payload, Origin)
  /// Makes the next version of a variable.
  case write(Write, Origin)
  /// Changes several variables, all at one revision: first removals, then the rest. A variable is
  /// changed once, or removed and created anew.
  case batch([Step])
  /// An optimizer's lock begins, is renewed or, with nil, ends.
  case setOptimization(Optimization?, variable: String, cause: String, time: Int64)
  /// Removes a variable and all that is kept with it.
  case remove(variable: String, time: Int64)
  /// Adds a dependency between two variables, or changes the type of one.
  case addDependency(DependencyImage)
  /// Ends the session.
  case end(Session.End)

  /// One change of a batch; see the mutations of these names.
  public enum Step: Sendable {
    case remove(variable: String, time: Int64)
    case register(Variable.Definition, Payload, Origin)
    case write(Write, Origin)
  }

  /// Who makes a change, and when.
  public struct Origin: Sendable {
    /// Who makes it, and what is noted with it.
    public let writer: Writer
    /// Nanoseconds since 1970.
    public let time: Int64
  }

  /// The next version of one variable.
  public struct Write: Sendable {
    /// The variable's name.
    public let name: String
    /// The value and how it came.
    public let payload: Payload
    /// Of the variable from now on, where its constraints change.
    public let definition: Variable.Definition?
    /// When the lock ends of the optimizer that holds the variable, in coarse monotonic
    /// milliseconds: its own writes renew it.
    public let leaseEnd: Int64
    /// How many bytes more the variable takes than before, about.
    public let growth: Int
  }
}
