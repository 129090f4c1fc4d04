internal import BridgePluginABI
internal import CPluginCalls
internal import Glibc

/// Calls of a plugin's functions.
///
/// What unwinds out of them, and what they change of the calling thread's state, ends there.
enum PluginCode {
  /// What a call did beside its result.
  struct Report {
    fileprivate var report = plugin_report()

    init() {}

    /// - Parameters:
    ///   - abandoned: Called when the plugin ends the calling thread, which then never returns. Without
    ///     it the thread goes on.
    ///   - context: Handed to it; it lives as long as the call.
    init(
      abandoned: @convention(c) (UnsafeMutableRawPointer?) -> Void, _ context: AnyObject
    ) {
      report.abandoned = abandoned
      report.context = Unmanaged.passUnretained(context).toOpaque()
    }

    /// Whether the function was to end the calling thread, or the process, which goes on.
    var endedThread: Bool {
      report.end == PLUGIN_ENDED_THREAD || report.end == PLUGIN_ENDED_PROCESS
    }

    /// What an exception that left the function says of itself; nil when none did.
    var exception: String? {
      if report.end == PLUGIN_RETURNED { return nil }
      if report.end == PLUGIN_ENDED_PROCESS { return "a call of \(PluginCode.endOfProcess ?? "")" }
      if endedThread { return "the end of the host's thread" }
      return withUnsafeBytes(of: report.text) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
    }

    /// What a native function has left in `errno`, which was 0 before.
    var error: CInt { report.error }

    /// What of the calling thread's state it had changed, as bits; it has been put back.
    var changedBits: UInt32 { report.changed }

    /// The bits of what costs system calls to look at.
    static let costlyBits =
      UInt32(PLUGIN_CHANGED_SIGNAL_MASK) | UInt32(PLUGIN_CHANGED_SIGNAL_STACK)

    /// The same in words.
    static func words(_ bits: UInt32) -> [String] {
      [
        (PLUGIN_CHANGED_ARITHMETIC, "rounding or other modes of floating-point arithmetic"),
        (PLUGIN_CHANGED_SIGNAL_MASK, "the signal mask"), (PLUGIN_CHANGED_LOCALE, "the locale"),
        (PLUGIN_CHANGED_SIGNAL_STACK, "the alternate signal stack"),
      ].compactMap { bit, words in bits & UInt32(bit) != 0 ? words : nil }
    }
  }

  /// What the plugin on this thread called last to end the process; nil where it ended the thread alone.
  private static var endOfProcess: String? { plugin_ended_process().map { String(cString: $0) } }

  /// What a tool has done that has just ended the calling thread, or wanted to.
  static func endOfThread(by tool: String) -> String {
    guard let function = endOfProcess else {
      return "\(tool) ended the host's thread that it ran on"
    }
    return "\(tool) called \(function), which is not to end the host"
  }

  /// A function whose type the called side knows.
  private static func plain<Function>(_ function: Function) -> plugin_function {
    unsafeBitCast(function, to: plugin_function.self)
  }

  private static func plain(_ text: bridge_str) -> plugin_text {
    plugin_text(data: text.data, length: text.length)
  }

  /// - Parameter looks: Whether everything is looked at that the function may have changed of the thread,
  ///   at the cost of system calls; see CPluginCalls.h.
  static func run(
    _ descriptor: bridge_tool, _ call: OpaquePointer, looks: Bool, _ report: inout Report
  ) -> bridge_status {
    let handle = UnsafeMutableRawPointer(call)
    let function = descriptor.run.map(plain) ?? plain(descriptor.run_read_only!)
    return plugin_call_run(
      function, descriptor.context, handle, handle, looks ? 1 : 0, &report.report)
  }

  static func entry(
    _ symbol: UnsafeMutableRawPointer, _ host: UnsafePointer<bridge_host>,
    _ plugin: inout UnsafePointer<bridge_plugin>?, _ report: inout Report
  ) -> bridge_status {
    var answer: UnsafeRawPointer?
    defer { plugin = answer?.assumingMemoryBound(to: bridge_plugin.self) }
    return plugin_call_entry(plain(symbol), host, &answer, &report.report)
  }

  static func start(
    _ function: @convention(c) (UnsafePointer<bridge_host>?, bridge_str) -> bridge_status,
    _ host: UnsafePointer<bridge_host>, _ configuration: bridge_str, _ report: inout Report
  ) -> bridge_status {
    plugin_call_init(plain(function), host, plain(configuration), &report.report)
  }

  static func stop(
    _ function: @convention(c) () -> bridge_status, _ report: inout Report
  ) -> bridge_status {
    plugin_call_deinit(plain(function), &report.report)
  }

  static func `extension`(
    _ function: @convention(c) (bridge_str, UInt32) -> UnsafeRawPointer?, _ name: bridge_str,
    _ revision: UInt32, _ report: inout Report
  ) -> UnsafeRawPointer? {
    plugin_call_extension(plain(function), plain(name), revision, &report.report)
  }

  static func take(
    _ function: @escaping bridge_on_variable, _ context: UnsafeMutableRawPointer?,
    _ variable: UnsafePointer<bridge_variable>, _ report: inout Report
  ) -> bridge_status {
    plugin_call_taking(plain(function), context, variable, &report.report)
  }

  static func take(
    _ function: @escaping bridge_on_chunk, _ context: UnsafeMutableRawPointer?,
    _ chunk: UnsafePointer<bridge_value>, _ report: inout Report
  ) -> bridge_status {
    plugin_call_taking(plain(function), context, chunk, &report.report)
  }

  static func tell(
    _ function: @escaping bridge_on_change, _ context: UnsafeMutableRawPointer?,
    _ change: UnsafeMutablePointer<bridge_change>, _ report: inout Report
  ) {
    plugin_call_told(plain(function), context, change, &report.report)
  }

  static func tell(
    _ function: @escaping bridge_on_end, _ context: UnsafeMutableRawPointer?,
    _ invocation: OpaquePointer, _ report: inout Report
  ) {
    plugin_call_told(
      plain(function), context, UnsafeMutableRawPointer(invocation), &report.report)
  }

  static func tell(
    _ function: @escaping bridge_on_cancel, _ context: UnsafeMutableRawPointer?,
    _ reason: bridge_status, _ report: inout Report
  ) {
    plugin_call_cancelled(plain(function), context, reason, &report.report)
  }

  static func release(_ function: @escaping bridge_release, _ context: UnsafeMutableRawPointer?) {
    // There is nobody whose error an exception could be.
    var report = Report()
    plugin_call_release(plain(function), context, &report.report)
  }

  /// Calls a function through libffi.
  static func native(
    _ call: UnsafeMutableRawPointer, _ interface: UnsafeMutableRawPointer,
    _ function: UnsafeMutableRawPointer, _ result: UnsafeMutableRawPointer,
    _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ report: inout Report
  ) {
    typealias Call =
      @convention(c) (
        UnsafeMutableRawPointer?, plugin_function?, UnsafeMutableRawPointer?,
        UnsafeMutablePointer<UnsafeMutableRawPointer?>?
      ) -> Void
    plugin_call_native(
      unsafeBitCast(call, to: Call.self), interface, plain(function), result, arguments,
      &report.report)
  }

  /// Where a loaded shared object is in memory.
  static func base(of handle: UnsafeMutableRawPointer) -> UInt { plugin_base(handle) }

  /// The path that a loaded shared object was mapped from.
  static func file(of handle: UnsafeMutableRawPointer) -> String? {
    plugin_file(handle).map { String(cString: $0) }
  }

  /// Runs a constructor of a shared object.
  static func construct(_ function: UnsafeRawPointer, _ report: inout Report) {
    plugin_call_constructor(
      unsafeBitCast(function, to: plugin_function.self), CommandLine.argc,
      CommandLine.unsafeArgv, environ, &report.report)
  }

  /// Loads a shared object; nil as from dlopen(3).
  static func open(
    _ path: String, _ flags: CInt, _ report: inout Report
  ) -> UnsafeMutableRawPointer? {
    plugin_open(path, flags, &report.report)
  }

  /// Lets go of a shared object.
  static func close(_ handle: UnsafeMutableRawPointer, _ report: inout Report) {
    plugin_close(handle, &report.report)
  }
}
