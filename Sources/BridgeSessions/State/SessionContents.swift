internal import Threads

/// What a session held when it ended.
///
/// Letting go of a million variables takes more than a second: nobody may wait for that, neither who
/// waits for the session's lock nor the clients of an event loop.
final class SessionContents: Sendable {
  private struct Contents {
    let variables: VariableTable
    let histories: [Int32: VariableHistory]
    let dependencies: DependencyGraph
  }

  /// From so many variables on, a thread does it.
  static let manyVariables = 5000

  private let contents: Locked<Contents?>

  init(
    variables: VariableTable, histories: [Int32: VariableHistory],
    dependencies: DependencyGraph
  ) {
    contents = Locked(
      Contents(variables: variables, histories: histories, dependencies: dependencies))
  }

  /// Lets go of everything, now or soon.
  func release() {
    let count = contents.withLock { $0?.variables.count ?? 0 }
    // Without a thread to be had, here.
    if count < Self.manyVariables || !startThread(named: "session-freeing", { self.empty() }) {
      empty()
    }
  }

  /// Drops the contents themselves: whoever drops the last reference to this object could be anyone.
  private func empty() {
    contents.withLock { $0 = nil }
  }
}
