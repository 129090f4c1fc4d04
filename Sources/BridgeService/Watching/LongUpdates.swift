internal import BridgeProtocol
internal import BridgeSessions
internal import Threads

/// Makes the updates of watches whose values take long to write as text: on threads, and each once, however many
/// watches wait for it.
///
/// Thread-safe.
final class LongUpdates: Sendable {
  /// Tells updates apart. What it names is kept by whoever waits.
  struct Key: Hashable, Sendable {
    private let variable: ObjectIdentifier
    private let change: ObjectIdentifier?
    private let form: ValueForm
    private let epoch: String

    /// A present value.
    init(_ variable: Variable, _ form: ValueForm, epoch: String) {
      self.variable = ObjectIdentifier(variable)
      change = nil
      self.form = form
      self.epoch = epoch
    }

    /// A change.
    init(_ change: Change, _ form: ValueForm, epoch: String) {
      variable = ObjectIdentifier(change.variable)
      self.change = ObjectIdentifier(change)
      self.form = form
      self.epoch = epoch
    }
  }

  typealias Waiter = @Sendable (_ update: [UInt8]) -> Void

  private let waiters = Locked<[Key: [Waiter]]>([:])

  /// Has an update made, unless that is under way.
  ///
  /// - Parameters:
  ///   - run: Runs it on a thread.
  ///   - make: Makes it; it keeps what the key names.
  ///   - then: Told of it once, on any thread.
  func make(
    _ key: Key, on run: (@escaping @Sendable () -> Void) -> Void,
    _ make: @escaping @Sendable () -> [UInt8], then: @escaping Waiter
  ) {
    let isFirst = waiters.withLock { waiters in
      waiters[key, default: []].append(then)
      return waiters[key]!.count == 1
    }
    guard isFirst else { return }
    run {
      let update = make()
      for waiter in self.waiters.withLock({ $0.removeValue(forKey: key) }) ?? [] { waiter(update) }
    }
  }
}

extension UpdateEncoding {
  /// Whether an event loop has no time for a present value.
  static func isLong(_ variable: Variable, _ form: ValueForm) -> Bool {
    variable.textSize(form) > SearchBudget.briefText
  }

  /// Whether an event loop has no time for a change.
  static func isLong(_ change: Change, _ form: ValueForm) -> Bool {
    let old = change.kind == .deleted ? change.variable : change.previous
    return change.variable.textSize(form) + (old?.valueTextSize(form) ?? 0)
      > SearchBudget.briefText
  }
}
