internal import Glibc
internal import NIOCore

/// Why an address, a file or a certificate cannot be used: one line for the person who named it.
public struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong and with what, in one line.
  public let message: String

  /// Makes an error of one line.
  public init(_ message: String) { self.message = message }

  /// The message.
  public var description: String { message }

  /// What the operating system or the resolver said, in words.
  static func reason(of error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case is SocketAddressError.UnknownHost: "the name has no address"
    default: "\(error)"
    }
  }

  /// The last failure of a C function, in words.
  static var lastReason: String { String(cString: strerror(errno)) }
}
