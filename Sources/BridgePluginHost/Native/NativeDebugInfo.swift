internal import BridgeSessions
internal import CDebugInfo
internal import Glibc
internal import JSON
internal import Logging

/// What the debug information of a library says of its functions: what a manifest is held to.
///
/// Only what contradicts it is wrong: the same number by another name, or a pointer to something that nobody
/// knows, is not.
struct NativeDebugInfo {
  /// A function as the library has it.
  private struct Function {
    let returns: debug_type
    let parameters: [debug_parameter]
    let isVariadic: Bool
    let isUnprototyped: Bool
  }

  private let functions: [String: Function]

  /// Reads it.
  ///
  /// - Parameters:
  ///   - file: An open descriptor of the library.
  ///   - symbols: The functions that matter.
  /// - Returns: nil where the library has none.
  init?(_ file: CInt, of symbols: Set<String>, _ path: String, _ logger: Logger) {
    guard debug_is_there(file) != 0 else { return nil }
    let names = Array(symbols)
    let found = Found(names)
    var texts = names.map { UnsafePointer(strdup($0)) }
    defer { for text in texts { free(UnsafeMutablePointer(mutating: text)) } }
    let fault = debug_functions(
      file, &texts, names.count, Unmanaged.passUnretained(found).toOpaque()
    ) { context, name, function in
      guard let context, let function else { return }
      Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().add(name, function.pointee)
    }
    guard fault == 0 else {
      logger.notice(
        "the debug information of a library is not looked at",
        metadata: [
          "library": "\(path)",
          "reason": fault == -1 ? "the system has no libdw" : "it cannot be read",
        ])
      return nil
    }
    functions = found.functions
  }

  /// Gathers what is found. A name that several functions have tells nothing.
  private final class Found {
    private let names: [String]
    private var all: [String: [Function]] = [:]

    init(_ names: [String]) { self.names = names }

    func add(_ name: Int, _ function: debug_function) {
      let parameters = UnsafeBufferPointer(
        start: function.parameters, count: function.parameter_count)
      all[names[name], default: []].append(
        Function(
          returns: function.returns, parameters: Array(parameters),
          isVariadic: function.is_variadic != 0, isUnprototyped: function.is_unprototyped != 0))
    }

    var functions: [String: Function] { all.compactMapValues { $0.count == 1 ? $0[0] : nil } }
  }

  // MARK: Comparing

  /// Holds a signature to it.
  ///
  /// - Throws: `PluginError` that names the function, the parameter and both types.
  func check(_ signature: NativeSignature) throws(PluginError) {
    guard let function = functions[signature.symbol] else { return }
    func fault(_ words: String, at place: [JSONPlace.Step]) -> PluginError {
      var error = PluginError(
        "tool \(signature.toolName): \(signature.symbol) \(words), as the library's debug information says"
      )
      error.place = JSONPlace(place)
      return error
    }
    if function.isVariadic {
      throw fault("takes a variable number of arguments", at: [.key("symbol")])
    }
    let passed = signature.parameters.enumerated().filter(\.element.isPassed)
    let isTold = !function.isUnprototyped || !function.parameters.isEmpty
    guard !isTold || passed.count == function.parameters.count else {
      throw fault(
        "takes \(function.parameters.count) parameters, and not \(passed.count)",
        at: [.key("parameters")])
    }
    for ((index, parameter), other) in zip(passed, function.parameters) {
      // Old definitions get narrow numbers as wider ones.
      if function.isUnprototyped && other.type.size < 4 || other.type.kind == DEBUG_OTHER {
        continue
      }
      guard Self.fits(parameter, other.type) else {
        let name = Self.text(other.name)
        throw fault(
          "takes \(Self.words(other.type)) for parameter \(parameter.name)"
            + (name.isEmpty || name == parameter.name ? "" : " (\(name))")
            + ", and not \(Self.words(parameter))",
          at: [.key("parameters"), .index(index), .key("type")])
      }
    }
    guard Self.fits(signature.returns, function.returns) else {
      throw fault(
        "returns \(Self.words(function.returns)), and not \(signature.returns.type.words)",
        at: [.key("returns"), .key("type")])
    }
  }

  private static func text(_ name: some Any) -> String {
    withUnsafeBytes(of: name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  private static func words(_ type: debug_type) -> String {
    let isStruct = type.kind == DEBUG_STRUCT || type.kind == DEBUG_UNION
    return text(type.name) + (isStruct ? " of \(type.size) bytes" : "")
  }

  private static func words(_ parameter: NativeSignature.Parameter) -> String {
    switch parameter.direction {
    case .in: parameter.type.words
    case .out: "\(parameter.type.words) to write to"
    case .inOut: "\(parameter.type.words) to read and write"
    }
  }

  private static func fits(
    _ parameter: NativeSignature.Parameter, _ other: debug_type
  ) -> Bool {
    let type = parameter.type
    if parameter.direction == .in { return fits(type, other) }
    guard other.kind == DEBUG_POINTER else { return false }
    switch type {
    case .scalar(let scalar): return fits(scalar, behind: other)
    // What the function makes is reached through a pointer to the pointer.
    case .string, .handle: return isPointer(behind: other)
    case .array, .bytes: return parameter.free == nil ? fits(type, other) : isPointer(behind: other)
    case .void, .structure, .structurePointer, .callback: return fits(type, other)
    }
  }

  private static func fits(_ returned: NativeSignature.Returned, _ other: debug_type) -> Bool {
    if other.kind == DEBUG_OTHER { return true }
    // What is not wanted is not looked at; but a struct comes through memory of the caller's.
    if case .void = returned.type { return other.kind != DEBUG_STRUCT && other.kind != DEBUG_UNION }
    return fits(returned.type, other)
  }

  private static func fits(_ type: NativeType, _ other: debug_type) -> Bool {
    let isPointer = other.kind == DEBUG_POINTER
    switch type {
    case .void: return other.kind == DEBUG_VOID
    case .scalar(let scalar): return fits(scalar, other.kind, other.size)
    case .string:
      return isPointer && (isOpen(other) || other.target_size == 1)
    case .bytes, .callback: return isPointer
    case .array(let element):
      return isPointer
        && (isOpen(other) || fits(NativeScalar(element), other.target, other.target_size))
    case .structure(let structure):
      return (other.kind == DEBUG_STRUCT || other.kind == DEBUG_UNION)
        && other.size == structure.size
    case .structurePointer(let structure):
      return isPointer
        && (isOpen(other) || other.target_size == 0 || other.target_size == structure.size)
    // Some are numbers that are as wide.
    case .handle: return other.size == 8 && other.kind != DEBUG_FLOAT
    }
  }

  /// Whether it is a pointer that may lead to anything.
  private static func isOpen(_ pointer: debug_type) -> Bool {
    pointer.target == DEBUG_VOID || pointer.target == DEBUG_OTHER
  }

  private static func isPointer(behind pointer: debug_type) -> Bool {
    isOpen(pointer) || pointer.target == DEBUG_POINTER
  }

  private static func fits(_ scalar: NativeScalar, behind pointer: debug_type) -> Bool {
    isOpen(pointer) || fits(scalar, pointer.target, pointer.target_size)
  }

  private static func fits(_ scalar: NativeScalar, _ kind: debug_kind, _ size: UInt64) -> Bool {
    guard UInt64(scalar.width) == size else { return false }
    switch scalar {
    case .float, .double: return kind == DEBUG_FLOAT
    case .boolean: return [DEBUG_BOOLEAN, DEBUG_UNSIGNED, DEBUG_WHOLE].contains(kind)
    case .size: return kind == DEBUG_UNSIGNED
    case .integer(let type):
      if kind == DEBUG_WHOLE { return true }
      let isUnsigned = [.uint8, .uint16, .uint32, .uint64].contains(type)
      if kind == DEBUG_BOOLEAN { return isUnsigned }
      return kind == (isUnsigned ? DEBUG_UNSIGNED : DEBUG_SIGNED)
    }
  }
}
