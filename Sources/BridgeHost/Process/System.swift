import Glibc
import NIOCore

/// Facts of the machine.
enum System {
  /// Cores this process may use.
  static var coreCount: Int { NIOCore.System.coreCount }

  /// An error of the operating system in its own words.
  static func reason(of error: any Error) -> String {
    guard let error = error as? IOError else { return "\(error)" }
    return String(cString: strerror(error.errnoCode))
  }
}
