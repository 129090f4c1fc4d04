internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import CLibffi
internal import Glibc
internal import JSON
internal import Logging
internal import Synchronization

/// A C function called through libffi.
///
/// Source: https://github.com/libffi/libffi/blob/master/doc/libffi.texi (The Basics)
// @unchecked: the call interface and the types are written once, here; ffi_call only reads them.
final class NativeTool: Tool, @unchecked Sendable {
  let description: ToolDescription
  private let signature: NativeSignature
  private let function: UnsafeMutableRawPointer
  private let interface = UnsafeMutablePointer<ffi_cif>.allocate(capacity: 1)
  private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>
  /// Functions that free what this one makes, by their names, and the one with texts of errors.
  private let helpers: [String: UnsafeMutableRawPointer]
  private let handles: NativeHandles
  /// The library stays mapped as long as the tool.
  private let object: SharedObject
  private let logger: Logger
  private let mark: ProcessGuard.Mark
  private let toldBits = Atomic<UInt32>(0)

  init(
    _ signature: NativeSignature, in object: SharedObject, _ handles: NativeHandles, plugin: String,
    _ logger: Logger
  ) throws(PluginError) {
    do throws(PluginError) {
      function = try object.function(signature.symbol)
      var helpers: [String: UnsafeMutableRawPointer] = [:]
      for name in signature.helpers { helpers[name] = try object.function(name) }
      self.helpers = helpers
    } catch {
      throw error.saying("tool \(signature.toolName): \(error)")
    }
    self.logger = logger
    mark = ProcessGuard.Mark(tool: signature.toolName)
    self.object = object
    self.handles = handles
    self.signature = signature
    description = try signature.describe(plugin: plugin)
    let passed = signature.parameters.filter(\.isPassed)
    types = .allocate(capacity: max(passed.count, 1))
    for (index, parameter) in passed.enumerated() {
      types[index] = parameter.direction == .in ? parameter.type.ffi : bridge_ffi_type_pointer()
    }
    // FFI_OK, FFI_BAD_TYPEDEF or FFI_BAD_ABI.
    let status = ffi_prep_cif(
      interface, FFI_DEFAULT_ABI, UInt32(passed.count), signature.returns.type.ffi, types)
    guard status == FFI_OK else {
      throw PluginError(
        "tool \(signature.toolName): libffi refuses the signature (status \(status.rawValue))")
    }
    ProcessGuard.shared.add(mark)
  }

  deinit {
    interface.deallocate()
    types.deallocate()
  }

  func run(_ call: ToolCall) {
    defer { ProcessGuard.shared.lookNowAndThen(after: mark, logger) }
    do {
      call.finish(.success(try invoke(call)))
    } catch let failure as ToolFailure {
      call.fail(failure)
    } catch let error as SessionError where error.code != .invalidValue {
      call.fail(ToolFailure(code: error.code.statusCode, message: "\(error)", type: "variables"))
    } catch {
      call.fail(
        ToolFailure(
          code: bridge_status(BRIDGE_INVALID_ARGUMENT), message: "\(error)",
          type: "invalid_argument"))
    }
  }

  private func tellChanges(_ bits: UInt32) {
    guard bits != 0 else { return }
    let new = bits & ~toldBits.bitwiseOr(bits, ordering: .relaxed).oldValue
    guard new != 0 else { return }
    let words = PluginCode.Report.words(new).joined(separator: ", ")
    logger.warning(
      "a tool has changed state of the thread it ran on, which was put back: \(words)",
      metadata: ["tool": "\(description.name)"])
  }

  private func invoke(_ call: ToolCall) throws -> ToolValue {
    let frame = NativeFrame(
      parameters: signature.parameters.count, returnedSize: signature.returns.type.elementWidth)
    var arguments = try NativeArguments(signature, call, frame)
    try arguments.store()
    let wanted = try arguments.handles()
    let held = try handles.take(wanted.map { ($0.id, $0.type) }, for: call)
    defer { handles.giveBack(held, for: call) }
    for (place, id, _) in wanted {
      let handle = held.first { $0.id == id }!
      frame.store(pointer: UnsafeRawPointer(bitPattern: handle.pointer), at: place)
    }
    var report = PluginCode.Report(abandoned: endAbandoned, call)
    // The library may call back until it returns.
    withExtendedLifetime((arguments.closures, frame)) {
      PluginCode.native(
        bridge_ffi_call_address(), interface, function, frame.returned,
        frame.passed(signature.parameters.map(\.isPassed)), &report)
    }
    tellChanges(report.changedBits)
    for (place, id, _) in wanted where signature.parameters[place].destroys {
      handles.remove(held.first { $0.id == id }!, for: call)
    }
    if let exception = report.exception {
      throw pluginFailure("an exception left \(description.name): \(exception)")
    }
    let results = NativeResults(signature, frame, helpers, handles, call)
    defer { results.freeWhatIsOwned() }
    // What was stopped halfway is no result.
    if !arguments.closures.isEmpty, let reason = call.cancellation {
      throw ToolFailure(reason, tool: description.name)
    }
    try results.checkError(report.error)
    let values = try results.values()
    try results.writeVariables(values)
    return NativeResults.one(values.map { ($0.name, $0.value) })
  }
}

extension SharedObject {
  /// - Throws: `PluginError` where there is no such function.
  func function(_ name: String) throws(PluginError) -> UnsafeMutableRawPointer {
    guard let function = symbol(name) else { throw PluginError("\(path) has no function \(name)") }
    guard isCode(function) else { throw PluginError("\(name) of \(path) is no function but data") }
    return function
  }
}

private func pluginFailure(_ message: String) -> ToolFailure {
  ToolFailure(
    code: bridge_status(BRIDGE_INTERNAL), message: message, type: "plugin_exception")
}

/// Ends the call of a function that has ended its thread; the thread waits for ever.
private func endAbandoned(_ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  let call = Unmanaged<ToolCall>.fromOpaque(context).takeUnretainedValue()
  call.loseThread()
  call.fail(pluginFailure(PluginCode.endOfThread(by: call.tool.name)))
}
