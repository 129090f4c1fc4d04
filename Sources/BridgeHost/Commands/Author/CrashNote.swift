internal import Glibc

/// Tells whose crash it is, when the plugin that `call` runs takes the process with it.
enum CrashNote {
  /// Prepares the note. What a crash does as a rule, it does afterwards.
  static func prepare(tool: String, of file: String) {
    let text =
      "bridge-host: the process crashes in a call of \(tool) of \(file); "
      + "--debugger gdb shows where\n"
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = buffer.initialize(from: text.utf8)
    note = UnsafeBufferPointer(buffer)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      // Only what may be called in a handler.
      write(STDERR_FILENO, note.baseAddress, note.count)
      sigaction(signal, usualActions + Int(signal), nil)
      // The instruction runs again, now with the usual end; what was sent is sent again.
      if signal == SIGABRT { raise(signal) }
    }
    action.sa_flags = SA_ONSTACK
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT] {
      sigaction(signal, &action, usualActions + Int(signal))
    }
  }
}

// Written before anything can crash, read in the handler.
nonisolated(unsafe) private var note = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
nonisolated(unsafe) private let usualActions: UnsafeMutablePointer<sigaction> = {
  let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 64)
  actions.initialize(repeating: sigaction(), count: 64)
  return actions
}()
