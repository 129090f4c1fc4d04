/// The states of a loaded plugin and the ways between them, without threads and code.
struct PluginLife {
  enum Phase: Equatable {
    /// Its tools can be called.
    case admitting
    /// No call begins; the last ones go on.
    case draining
    /// No call runs; it is told to stop.
    case stopping
    /// It has stopped, and its code stays in memory.
    case resident
    /// Its code is gone.
    case unmapped
  }

  private(set) var phase = Phase.admitting
  /// Whether it says that its code can go.
  let isUnloadable: Bool

  init(isUnloadable: Bool) { self.isUnloadable = isUnloadable }

  /// Its tools are taken away.
  mutating func drain() {
    if phase == .admitting { phase = .draining }
  }

  /// The last call has ended.
  ///
  /// - Returns: Whether it is to be told to stop, which happens once.
  mutating func retire() -> Bool {
    guard phase == .admitting || phase == .draining else { return false }
    phase = .stopping
    return true
  }

  /// What is done with the code of a plugin that was told to stop.
  enum Code: Equatable {
    case keep
    case unmap
  }

  /// It has stopped.
  ///
  /// - Parameters:
  ///   - agrees: Whether it lets its code go.
  ///   - isUnused: Whether no thread is inside its code.
  mutating func stopped(agrees: Bool, isUnused: Bool) -> Code {
    precondition(phase == .stopping, "what stops was told to")
    let goes = isUnloadable && agrees && isUnused
    phase = goes ? .unmapped : .resident
    return goes ? .unmap : .keep
  }
}
