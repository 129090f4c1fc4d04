internal import Glibc

/// Runs `body` on a new thread, which ends with it.
///
/// - Returns: false when the system has no more threads.
public func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  let context = Unmanaged.passRetained(ThreadBody(body))
  var thread = pthread_t()
  // 0 or EAGAIN.
  guard pthread_create(&thread, nil, runBody, context.toOpaque()) == 0 else {
    context.release()
    return false
  }
  pthread_detach(thread)
  return true
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
  return nil
}
