internal import Glibc

/// Runs `body` on a new thread, which ends with it.
///
/// - Parameter name: What debuggers and `top -H` show; Linux keeps 15 bytes.
/// - Returns: false when the system has no more threads.
public func startThread(
  named name: StaticString, _ body: @escaping @Sendable () -> Void
) -> Bool {
  let context = Unmanaged.passRetained(ThreadBody(name, body))
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
  private let name: StaticString
  private let body: @Sendable () -> Void

  init(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }

  func run() {
    // Swift does not see pthread_setname_np, a GNU extension. Source: proc(5), comm. A thread without
    // a name is as good: where the file cannot be opened, nothing is written.
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    _ = name.withUTF8Buffer { write(file, $0.baseAddress, $0.count) }
    close(file)
    body()
  }
}

private func runBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
  return nil
}
