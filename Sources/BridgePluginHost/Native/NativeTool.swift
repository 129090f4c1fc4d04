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
  /// The library stays mapped as long as the tool.
  private let object: SharedObject
  private let logger: Logger
  private let mark: ProcessGuard.Mark
  private let toldBits = Atomic<UInt32>(0)

  init(
    _ signature: NativeSignature, in object: SharedObject, plugin: String, _ logger: Logger
  ) throws(PluginError) {
    guard let function = object.symbol(signature.symbol) else {
      throw PluginError(
        "tool \(signature.toolName): \(object.path) has no function \(signature.symbol)")
    }
    guard object.isCode(function) else {
      throw PluginError(
        "tool \(signature.toolName): \(signature.symbol) of \(object.path) is no function but data")
    }
    self.logger = logger
    mark = ProcessGuard.Mark(tool: signature.toolName)
    self.object = object
    self.signature = signature
    self.function = function
    description = try signature.describe(plugin: plugin)
    let count = signature.parameters.count
    types = .allocate(capacity: max(count, 1))
    for (index, parameter) in signature.parameters.enumerated() {
      types[index] = parameter.type.ffi
    }
    // FFI_OK, FFI_BAD_TYPEDEF or FFI_BAD_ABI.
    let status = ffi_prep_cif(
      interface, FFI_DEFAULT_ABI, UInt32(count), signature.returns.ffi, types)
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

  /// One call's arguments in the form libffi takes them: a slot of eight bytes each, and memory
  /// for what slots point to.
  private struct Frame {
    var slots: UnsafeMutablePointer<UInt64>
    var pointers: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    var owned: [UnsafeMutableRawPointer] = []
    /// The arrays by parameter name, with their element counts.
    var arrays: [String: (memory: UnsafeMutableRawPointer, count: Int)] = [:]

    init(count: Int) {
      slots = .allocate(capacity: max(count, 1))
      slots.initialize(repeating: 0, count: max(count, 1))
      pointers = .allocate(capacity: max(count, 1))
      for index in 0..<count { pointers[index] = UnsafeMutableRawPointer(slots + index) }
    }

    func free() {
      for memory in owned { memory.deallocate() }
      slots.deallocate()
      pointers.deallocate()
    }

    func store<T>(_ value: T, at index: Int) {
      UnsafeMutableRawPointer(slots + index).storeBytes(of: value, as: T.self)
    }
  }

  private func invoke(_ call: ToolCall) throws -> ToolValue {
    let arguments = call.arguments
    var frame = Frame(count: signature.parameters.count)
    defer { frame.free() }
    for (index, parameter) in signature.parameters.enumerated() where parameter.lengthOf == nil {
      guard case .value(let value, _) = arguments[parameter.name] else {
        throw SessionError(.invalidValue, "parameter \(parameter.name) is missing")
      }
      try store(value, as: parameter, at: index, in: &frame)
    }
    for (index, parameter) in signature.parameters.enumerated() {
      guard let array = parameter.lengthOf else { continue }
      let count = frame.arrays[array]!.count
      if let range = parameter.type.range, !range.contains(Int64(count)) {
        throw SessionError(
          .invalidValue, "\(array) has \(count) elements, more than \(parameter.name) can say")
      }
      // Little-endian: narrower types read the low bytes.
      frame.store(UInt64(count), at: index)
    }
    // libffi writes integers narrower than a register as a whole ffi_arg.
    var returned: UInt64 = 0
    var report = PluginCode.Report(abandoned: endAbandoned, call)
    PluginCode.native(
      bridge_ffi_call_address(), interface, function, &returned, frame.pointers, &report)
    tellChanges(report.changedBits)
    if let exception = report.exception {
      throw pluginFailure("an exception left \(description.name): \(exception)")
    }
    return try result(returned, frame)
  }

  private func store(
    _ value: Value, as parameter: NativeSignature.Parameter, at index: Int, in frame: inout Frame
  ) throws {
    switch (value, parameter.type) {
    case (.boolean(let flag), _): frame.store(UInt64(flag ? 1 : 0), at: index)
    case (.integer(let integer), _): frame.store(integer, at: index)
    case (.float(let number), .float):
      guard let float = ExactNumber.float(number).float else {
        throw SessionError(
          .invalidValue, "parameter \(parameter.name): \(number) is no float, of 32 bits")
      }
      frame.store(float, at: index)
    case (.float(let number), _): frame.store(number, at: index)
    case (.string(let text), _):
      let bytes = Array(text.utf8)
      guard !bytes.contains(0) else {
        throw SessionError(.invalidValue, "parameter \(parameter.name) has a NUL in it")
      }
      let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
      memory.copyMemory(from: bytes, byteCount: bytes.count)
      memory.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
      frame.owned.append(memory)
      frame.store(memory, at: index)
    case (.array(let array), .array(let element)):
      let memory = try Self.copy(array, as: element, of: parameter.name)
      frame.owned.append(memory)
      frame.arrays[parameter.name] = (memory, array.count)
      frame.store(memory, at: index)
    case (.array, _):
      throw SessionError(.invalidValue, "parameter \(parameter.name) cannot be an array")
    }
  }

  /// The numbers as elements of another type, in memory of their own: a function that was declared
  /// `in` and writes anyway must not change a variable.
  private static func copy(
    _ array: NumericArray, as element: NumericArray.ElementType, of name: String
  ) throws -> UnsafeMutableRawPointer {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(array.count * element.width, 1), alignment: 16)
    if array.elementType == element {
      array.bytes.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) }
      }
      return memory
    }
    do {
      try array.bytes.withUnsafeBytes { bytes in
        for index in 0..<array.count {
          try store(
            ExactNumber(bytes, array.elementType, index), at: index, as: element, in: memory)
        }
      }
    } catch {
      memory.deallocate()
      throw SessionError(.invalidValue, "parameter \(name) element: \(error)")
    }
    return memory
  }

  private static func store(
    _ number: ExactNumber, at index: Int, as element: NumericArray.ElementType,
    in memory: UnsafeMutableRawPointer
  ) throws {
    func put<T>(_ value: T?) throws {
      guard let value else {
        throw SessionError(.invalidValue, "\(number.text) is no \(element.rawValue)")
      }
      memory.storeBytes(of: value, toByteOffset: index * element.width, as: T.self)
    }
    switch element {
    case .float64: try put(number.double)
    case .float32: try put(number.float)
    case .int64: try put(number.integer(Int64.self))
    case .int32: try put(number.integer(Int32.self))
    case .int16: try put(number.integer(Int16.self))
    case .int8: try put(number.integer(Int8.self))
    case .uint64: try put(number.integer(UInt64.self))
    case .uint32: try put(number.integer(UInt32.self))
    case .uint16: try put(number.integer(UInt16.self))
    case .uint8: try put(number.integer(UInt8.self))
    case .bool: try put(number.integer(UInt8.self).flatMap { $0 <= 1 ? $0 : nil })
    }
  }

  /// What the tool answers: the returned value, the one array that was written, or an object of
  /// both.
  private func result(_ returned: UInt64, _ frame: Frame) throws -> ToolValue {
    let written = signature.parameters.filter(\.isInOut)
    let own = try ownResult(returned)
    if written.isEmpty { return own }
    if written.count == 1, own == .null {
      return .value(.array(try array(written[0], frame)), .embedding)
    }
    var writer = JSONWriter()
    writer.write(raw: "{")
    for (index, parameter) in written.enumerated() {
      if index > 0 { writer.write(raw: ",") }
      writer.write(parameter.name)
      writer.write(raw: ":")
      Value.array(try array(parameter, frame)).write(to: &writer, as: .embedding)
    }
    if case .value(let value, let type) = own {
      writer.write(raw: ",\"return\":")
      value.write(to: &writer, as: type)
    }
    writer.write(raw: "}")
    return .json(writer.bytes, .object)
  }

  private func array(
    _ parameter: NativeSignature.Parameter, _ frame: Frame
  ) throws -> NumericArray {
    guard case .array(let element) = parameter.type,
      let (memory, count) = frame.arrays[parameter.name]
    else { preconditionFailure("inout parameters are arrays") }
    let bytes = Array(UnsafeRawBufferPointer(start: memory, count: count * element.width))
    if element == .bool, let odd = bytes.first(where: { $0 > 1 }) {
      throw ToolFailure(
        code: bridge_status(BRIDGE_DATA_LOSS),
        message: "\(description.name) wrote \(odd) into \(parameter.name), an array of booleans",
        type: "invalid_result")
    }
    return NumericArray(shape: [count], elementType: element, bytes: bytes)
  }

  private func ownResult(_ returned: UInt64) throws -> ToolValue {
    switch signature.returns {
    case .void, .array: return .null
    case .boolean: return .value(.boolean(returned & 0xFF != 0), .boolean)
    case .double: return .value(.float(Double(bitPattern: returned)), .float)
    case .float:
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: returned))
      return .value(.float(Double(value)), .float)
    case .string:
      guard let text = UnsafePointer<CChar>(bitPattern: UInt(returned)) else { return .null }
      guard let string = String(validatingCString: text) else {
        throw ToolFailure(
          code: bridge_status(BRIDGE_DATA_LOSS),
          message: "\(description.name) answered a string that is not UTF-8", type: "invalid_result"
        )
      }
      return .value(.string(string), .string)
    case .size: return try unsigned(returned)
    case .integer(let element):
      switch element {
      case .int8: return .value(.integer(Int64(Int8(truncatingIfNeeded: returned))), .integer)
      case .int16: return .value(.integer(Int64(Int16(truncatingIfNeeded: returned))), .integer)
      case .int32: return .value(.integer(Int64(Int32(truncatingIfNeeded: returned))), .integer)
      case .uint8, .bool:
        return .value(.integer(Int64(UInt8(truncatingIfNeeded: returned))), .integer)
      case .uint16: return .value(.integer(Int64(UInt16(truncatingIfNeeded: returned))), .integer)
      case .uint32: return .value(.integer(Int64(UInt32(truncatingIfNeeded: returned))), .integer)
      case .uint64: return try unsigned(returned)
      case .int64, .float32, .float64:
        return .value(.integer(Int64(bitPattern: returned)), .integer)
      }
    }
  }

  /// Int64 is as far as integers go, and no float is every number above it.
  private func unsigned(_ value: UInt64) throws -> ToolValue {
    if let integer = Int64(exactly: value) { return .value(.integer(integer), .integer) }
    throw ToolFailure(
      code: bridge_status(BRIDGE_OUT_OF_RANGE),
      message: "\(description.name) answered \(value), which is above the largest integer, "
        + "\(Int64.max)", type: "out_of_range")
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
