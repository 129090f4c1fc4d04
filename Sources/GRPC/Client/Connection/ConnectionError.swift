internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Errors of the network in words for a person.
enum ConnectionError {
  static func text(of error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout(let time): "no answer came within \(time.seconds) s"
    case let error as NIOConnectionError:
      // The attempts at each address; without any, the name has none.
      error.connectionErrors.last.map { text(of: $0.error) } ?? "the host name is not known"
    case is NIOSSLError, is BoringSSLError: TLSFailure.reason(of: error)
    default: "\(error)"
    }
  }
}
