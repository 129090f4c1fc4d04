internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Glibc
internal import JSON

/// Reads what a C function has left: what it returned, and what it wrote.
///
/// Belongs to the thread of the call.
final class NativeResults {
  /// One part of the result.
  struct Entry {
    let name: String
    let value: ToolValue
    /// The variable that it is written to.
    let target: String?
  }

  private let signature: NativeSignature
  private let frame: NativeFrame
  private let helpers: [String: UnsafeMutableRawPointer]
  private let handles: NativeHandles
  private let call: ToolCall
  /// Pointers that have been kept as handles, and are not freed any more.
  private var isKept: Set<Int> = []

  /// Where what is returned stands among the parameters.
  private static let returnedPlace = -1

  init(
    _ signature: NativeSignature, _ frame: NativeFrame,
    _ helpers: [String: UnsafeMutableRawPointer],
    _ handles: NativeHandles, _ call: ToolCall
  ) {
    self.signature = signature
    self.frame = frame
    self.helpers = helpers
    self.handles = handles
    self.call = call
  }

  // MARK: Errors

  /// - Parameter error: What the function has left in `errno`.
  /// - Throws: `ToolFailure` where the function says that it has failed.
  func checkError(_ error: CInt) throws(ToolFailure) {
    guard let rule = signature.error, hasFailed(rule) else { return }
    var words: [String] = []
    var code = bridge_status(BRIDGE_UNKNOWN)
    if let message = rule.message, let function = helpers[message], let number = returnedNumber {
      typealias Message = @convention(c) (CInt) -> UnsafePointer<CChar>?
      let text = unsafeBitCast(function, to: Message.self)(CInt(truncatingIfNeeded: number))
      if let text { words.append(String(cString: text)) }
    }
    if rule.usesErrno && error != 0 {
      words.append(String(cString: strerror(error)))
      code = Self.status(of: error)
    }
    if let number = returnedNumber { words.append("it returned \(number)") }
    if words.isEmpty { words.append("it returned nothing") }
    throw ToolFailure(
      code: code, message: "\(signature.symbol) failed: \(words.joined(separator: ": "))",
      type: "native_error")
  }

  private func hasFailed(_ rule: NativeSignature.ErrorRule) -> Bool {
    switch rule.condition {
    case .null: return returnedPointer == nil
    case .negative:
      guard case .scalar(let scalar) = signature.returns.type else { return false }
      return switch scalar.load(from: frame.returned) {
      case .integer(let number)?: number < 0
      case .float(let number)?: number < 0
      default: false
      }
    case .nonzero: return !isZero
    case .zero: return isZero
    }
  }

  private var isZero: Bool {
    guard case .scalar(let scalar) = signature.returns.type else { return false }
    return UnsafeRawBufferPointer(start: frame.returned, count: scalar.width).allSatisfy { $0 == 0 }
  }

  private var returnedNumber: Int64? {
    guard case .scalar(let scalar) = signature.returns.type else { return nil }
    return switch scalar.load(from: frame.returned) {
    case .integer(let number)?: number
    case .boolean(let flag)?: flag ? 1 : 0
    default: nil
    }
  }

  /// The code of google.rpc that stands for an error of the system.
  private static func status(of error: CInt) -> bridge_status {
    let code =
      switch error {
      case ENOENT, ENXIO, ENODEV, ESRCH: BRIDGE_NOT_FOUND
      case EEXIST: BRIDGE_ALREADY_EXISTS
      case EACCES, EPERM, EROFS: BRIDGE_PERMISSION_DENIED
      case EINVAL, EDOM, ENAMETOOLONG, ENOTDIR, EISDIR, EILSEQ: BRIDGE_INVALID_ARGUMENT
      case ERANGE, EOVERFLOW: BRIDGE_OUT_OF_RANGE
      case ENOMEM, ENOSPC, EMFILE, ENFILE, EDQUOT: BRIDGE_RESOURCE_EXHAUSTED
      case EAGAIN, EBUSY, ECONNREFUSED, ECONNRESET, EPIPE: BRIDGE_UNAVAILABLE
      case ETIMEDOUT: BRIDGE_DEADLINE_EXCEEDED
      case ENOSYS, ENOTSUP: BRIDGE_UNIMPLEMENTED
      default: BRIDGE_UNKNOWN
      }
    return bridge_status(code)
  }

  // MARK: Values

  /// All parts of the result: what parameters were left with, in order, then what was returned.
  func values() throws -> [Entry] {
    var entries: [Entry] = []
    for (index, parameter) in signature.parameters.enumerated() where parameter.isResult {
      entries.append(
        Entry(
          name: parameter.name, value: try value(of: parameter, at: index), target: parameter.target
        ))
    }
    if signature.returnsResult {
      entries.append(
        Entry(name: "return", value: try returnedValue(), target: signature.returns.target))
    }
    return entries
  }

  private func value(of parameter: NativeSignature.Parameter, at index: Int) throws -> ToolValue {
    switch parameter.type {
    case .scalar(let scalar): return try number(frame.cell(index)!, scalar, parameter.name)
    case .string: return try text(pointer(at: index))
    case .bytes:
      guard let (memory, count) = try written(index) else { return .null }
      return .bytes(Array(UnsafeRawBufferPointer(start: memory, count: count)))
    case .array(let element):
      guard let (memory, count) = try written(index) else { return .null }
      let shape = frame.region(index).flatMap { $0.count == count ? $0.shape : nil } ?? [count]
      return try array(memory, element, shape, isTensor: parameter.isTensor, parameter.name)
    case .structurePointer(let structure):
      guard let memory = frame.cell(index) else { return .null }
      return .json(Array(structure.json(memory).text.utf8), .object)
    case .handle(let type): return try handle(pointer(at: index), type, place: index)
    case .void, .structure, .callback: preconditionFailure("these are never written")
    }
  }

  private func returnedValue() throws -> ToolValue {
    switch signature.returns.type {
    case .void, .callback: return .null
    case .scalar(let scalar): return try number(frame.returned, scalar, "the result")
    case .string: return try text(returnedPointer)
    case .structure(let structure):
      return .json(Array(structure.json(frame.returned).text.utf8), .object)
    case .structurePointer(let structure):
      return returnedPointer.map { .json(Array(structure.json($0).text.utf8), .object) } ?? .null
    case .handle(let type): return try handle(returnedPointer, type, place: Self.returnedPlace)
    case .bytes:
      guard let memory = returnedPointer else { return .null }
      let count = try count(signature.returns.length!)
      return .bytes(Array(UnsafeRawBufferPointer(start: memory, count: count)))
    case .array(let element):
      guard let memory = returnedPointer else { return .null }
      return try array(
        memory, element, [try count(signature.returns.length!)], isTensor: false, "the result")
    }
  }

  private var returnedPointer: UnsafeMutableRawPointer? {
    frame.returned.load(as: UnsafeMutableRawPointer?.self)
  }

  /// What an out parameter was set to.
  private func pointer(at index: Int) -> UnsafeMutableRawPointer? {
    frame.cell(index)?.load(as: UnsafeMutableRawPointer?.self)
  }

  /// Where an array is that was written, and how many elements of it; nil where there is none.
  private func written(_ index: Int) throws -> (memory: UnsafeMutableRawPointer, count: Int)? {
    let length = signature.parameters.indices.first {
      if case .length(of: index) = signature.parameters[$0].source {
        signature.parameters[$0].direction != .in
      } else {
        false
      }
    }
    let said = try length.map { try count($0) }
    if let region = frame.region(index) {
      let count = said ?? region.count
      guard count <= region.count else {
        throw wrong(
          "has room for \(region.count) elements in \(signature.parameters[index].name), and says that it wrote \(count)"
        )
      }
      return (region.memory, count)
    }
    guard let memory = pointer(at: index) else { return nil }
    return (memory, said ?? 0)
  }

  /// The number of elements that a parameter was left with.
  private func count(_ index: Int) throws -> Int {
    guard case .scalar(let scalar) = signature.parameters[index].type,
      case .integer(let count)? = scalar.load(from: frame.cell(index)!), count >= 0
    else {
      throw wrong(
        "left \(signature.parameters[index].name) as something that is no number of elements")
    }
    return Int(count)
  }

  private func wrong(_ words: String) -> ToolFailure {
    ToolFailure(
      code: bridge_status(BRIDGE_DATA_LOSS), message: "\(signature.toolName) \(words)",
      type: "invalid_result")
  }

  private func number(
    _ memory: UnsafeRawPointer, _ scalar: NativeScalar, _ name: String
  ) throws -> ToolValue {
    if let value = scalar.load(from: memory) { return .value(value, scalar.toolType) }
    throw ToolFailure(
      code: bridge_status(BRIDGE_OUT_OF_RANGE),
      message:
        "\(signature.toolName) answered \(memory.loadUnaligned(as: UInt64.self)) as \(name), which is above "
        + "the largest integer, \(Int64.max)", type: "out_of_range")
  }

  private func text(_ pointer: UnsafeMutableRawPointer?) throws -> ToolValue {
    guard let pointer else { return .null }
    guard let string = String(validatingCString: pointer.assumingMemoryBound(to: CChar.self)) else {
      throw wrong("answered a string that is not UTF-8")
    }
    return .value(.string(string), .string)
  }

  private func array(
    _ memory: UnsafeRawPointer, _ element: NumericArray.ElementType, _ shape: [Int], isTensor: Bool,
    _ name: String
  ) throws -> ToolValue {
    let count = shape.reduce(1, *)
    let bytes = Array(UnsafeRawBufferPointer(start: memory, count: count * element.width))
    if element == .bool, let odd = bytes.first(where: { $0 > 1 }) {
      throw wrong("wrote \(odd) into \(name), an array of booleans")
    }
    return .value(
      .array(NumericArray(shape: shape, elementType: element, bytes: bytes)),
      isTensor ? .tensor : .embedding)
  }

  private func handle(
    _ pointer: UnsafeMutableRawPointer?, _ type: NativeHandleType, place: Int
  ) throws -> ToolValue {
    guard let pointer else { return .null }
    isKept.insert(place)
    return .value(.string(try handles.keep(UInt(bitPattern: pointer), type, for: call)), .string)
  }

  /// Writes what goes into variables of the session.
  func writeVariables(_ entries: [Entry]) throws {
    let writes = entries.compactMap { entry in
      entry.target.map { VariableWrite($0, entry.value) }
    }
    if !writes.isEmpty { _ = try call.services.setAll(writes) }
  }

  // MARK: What the function has made

  /// Frees everything that the function has made for its caller, and that is not kept.
  func freeWhatIsOwned() {
    for (index, parameter) in signature.parameters.enumerated() where parameter.direction == .out {
      free(pointer(owned: parameter, at: index), parameter.type, parameter.free, place: index)
    }
    switch signature.returns.type {
    case .string, .bytes, .array, .structurePointer, .handle:
      free(
        returnedPointer, signature.returns.type, signature.returns.free, place: Self.returnedPlace)
    case .void, .scalar, .structure, .callback: break
    }
  }

  private func pointer(
    owned parameter: NativeSignature.Parameter, at index: Int
  ) -> UnsafeMutableRawPointer? {
    if case .handle = parameter.type { return pointer(at: index) }
    return parameter.free == nil ? nil : pointer(at: index)
  }

  private func free(
    _ pointer: UnsafeMutableRawPointer?, _ type: NativeType, _ name: String?, place: Int
  ) {
    var function = name
    if case .handle(let handle) = type { function = isKept.contains(place) ? nil : handle.destroy }
    guard let pointer, let function, let code = helpers[function] else { return }
    PluginCode.release(unsafeBitCast(code, to: bridge_release.self), pointer)
  }

  // MARK: One result

  /// The parts together: nothing, one of them, or an object.
  static func one(_ entries: [(name: String, value: ToolValue)]) -> ToolValue {
    if entries.count <= 1 { return entries.first?.value ?? .null }
    var writer = JSONWriter()
    for (index, entry) in entries.enumerated() {
      writer.write(raw: index == 0 ? "{" : ",")
      writer.write(entry.name)
      writer.write(raw: ":")
      switch entry.value.owned {
      case .value(let value, let type): value.write(to: &writer, as: type)
      case .json(let text, _): writer.write(raw: text)
      case .null, .bytes, .donated: writer.write(raw: "null")
      }
    }
    writer.write(raw: "}")
    return .json(writer.bytes, .object)
  }
}
