internal import Synchronization

/// One registration of a provider: from when it begins to admit calls until its last call has ended.
///
/// A replaced provider drains while its successor, the next generation, admits. Thread-safe.
public final class ProviderGeneration: Sendable {
  /// Where a generation is on its way from admitting calls to its end.
  public enum State: Sendable, Equatable {
    /// Calls begin.
    case admitting(calls: Int)
    /// No call begins; those that run go on.
    case draining(calls: Int)
    /// The last call has ended, and the provider was told.
    case retired
  }

  /// What was registered.
  public let provider: any ToolProvider
  /// Counts the registrations of a registry, from 1.
  public let number: Int

  /// Twice the number of calls, plus one once it drains: both change together.
  private let calls = Atomic<Int>(0)

  init(_ provider: any ToolProvider, number: Int) {
    self.provider = provider
    self.number = number
  }

  /// Where it is now.
  public var state: State {
    let calls = calls.load(ordering: .acquiring)
    if calls & 1 == 0 { return .admitting(calls: calls >> 1) }
    return calls == 1 ? .retired : .draining(calls: calls >> 1)
  }

  /// Begins a call.
  ///
  /// - Returns: false once it drains; the caller looks the tool up anew.
  func admit() -> Bool {
    // A call too many for a moment does no harm: `release` takes it back.
    if calls.add(2, ordering: .acquiringAndReleasing).oldValue & 1 == 0 { return true }
    release()
    return false
  }

  /// Ends a call.
  func release() {
    if calls.subtract(2, ordering: .acquiringAndReleasing).newValue == 1 { retire() }
  }

  /// Admits no further calls.
  func drain() {
    // 0: no call runs that would retire it later. Odd: it drains already.
    if calls.bitwiseOr(1, ordering: .acquiringAndReleasing).oldValue == 0 { retire() }
  }

  private let isRetired = Atomic<Bool>(false)

  private func retire() {
    // `admit` may have counted a call for a moment and come here, too.
    if !isRetired.exchange(true, ordering: .acquiringAndReleasing) { provider.retire() }
  }
}
