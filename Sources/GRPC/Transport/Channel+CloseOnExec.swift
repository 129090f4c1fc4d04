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

/// The descriptors that event loops wait with. SwiftNIO's are not close-on-exec either.
enum EventLoopDescriptors {
  /// Keeps them from programs that this process starts: a child would have no use for them.
  ///
  /// Called when event loops were made. It looks at the descriptors of the process, for SwiftNIO does
  /// not hand them out.
  static func closeOnExec() {
    guard let directory = opendir("/proc/self/fd") else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let descriptor = CInt(name), isEventPoll(descriptor) else { continue }
      let flags = fcntl(descriptor, F_GETFD)
      // It fails for a descriptor that was closed meanwhile alone.
      if flags >= 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
    }
  }

  private static func isEventPoll(_ descriptor: CInt) -> Bool {
    let target = [UInt8](unsafeUninitializedCapacity: 64) { target, count in
      count = max(0, readlink("/proc/self/fd/\(descriptor)", target.baseAddress!, target.count))
    }
    return target.elementsEqual("anon_inode:[eventpoll]".utf8)
  }
}
