internal import BridgeSessions
internal import Synchronization

/// A tool that is about to be called: its generation does not retire before the call has ended.
///
/// Without a call it is given back when the last reference to it goes. Thread-safe.
public final class AdmittedTool: Sendable {
  /// The tool in the registry.
  public let registered: RegisteredTool
  private let isReleased = Atomic<Bool>(false)

  init(_ registered: RegisteredTool) { self.registered = registered }

  deinit { release() }

  public var description: ToolDescription { registered.description }

  /// Gives the tool back: its call has ended.
  func release() {
    if !isReleased.exchange(true, ordering: .acquiringAndReleasing) {
      registered.generation.release()
    }
  }
}
