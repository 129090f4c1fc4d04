internal import NIOCore

/// Facts of the machine.
enum System {
  /// Cores this process may use.
  static var coreCount: Int { NIOCore.System.coreCount }
}
