internal import CPluginProcess
internal import Glibc

/// What a process has said of its crash, from inside its signal handler.
package struct CrashRecord: Sendable, Equatable {
  /// The signal's number.
  package var signal: CInt
  /// What was touched, for SIGSEGV and SIGBUS; else the instruction.
  package var address: UInt64
  /// The number of the call that the thread worked for; 0 for none.
  package var call: UInt64
  /// The stack, innermost first: a frame a line. Empty when it could not be followed.
  package var stack: [String]

  /// A crash.
  package init(signal: CInt, address: UInt64, call: UInt64, stack: [String]) {
    self.signal = signal
    self.address = address
    self.call = call
    self.stack = stack
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(MalformedFrame) {
    let start = plugin_crash_text
    guard bytes.count >= start else { throw MalformedFrame("a crash is told too shortly") }
    func load<Number: FixedWidthInteger>(_ path: PartialKeyPath<plugin_crash>) -> Number {
      bytes.loadUnaligned(
        fromByteOffset: MemoryLayout<plugin_crash>.offset(of: path)!, as: Number.self)
    }
    signal = load(\.signal)
    address = load(\.address)
    call = load(\.call)
    stack = bytes[start...].split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// The name of a signal, as SIGSEGV.
  package static func name(ofSignal number: CInt) -> String {
    let names: [CInt: String] = [
      SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT",
      SIGTRAP: "SIGTRAP", SIGSYS: "SIGSYS", SIGKILL: "SIGKILL", SIGTERM: "SIGTERM",
      SIGINT: "SIGINT", SIGHUP: "SIGHUP", SIGQUIT: "SIGQUIT", SIGXCPU: "SIGXCPU",
      SIGXFSZ: "SIGXFSZ", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGUSR1: "SIGUSR1",
      SIGUSR2: "SIGUSR2",
    ]
    return names[number] ?? "signal \(number)"
  }
}
