internal import Glibc
internal import NIOCore

extension Channel {
  /// Keeps the socket from programs that this process starts: SwiftNIO's sockets are not close-on-exec.
  ///
  /// Called as soon as the channel is there, before it is bound or reads: a program that is started in
  /// the microseconds before gets a socket on which nothing has happened. On the channel's event loop.
  func closeOnExec() {
    // Channels without a socket, as those of tests, have nothing to keep.
    try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      // F_SETFD fails for a number that is no descriptor alone.
      _ = fcntl($0, F_SETFD, FD_CLOEXEC)
    }
  }
}
