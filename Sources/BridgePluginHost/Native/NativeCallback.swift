internal import BridgeSessions
internal import BridgeTools
internal import CLibffi
internal import Glibc
internal import JSON

/// A function that a library calls back, which the host has.
///
/// Source: libffi.texi, "The Closure API".
// @unchecked: the call interface is written once, in `init`; libffi only reads it.
final class NativeCallback: @unchecked Sendable {
  enum Kind: Sendable {
    /// Orders two elements: less, equal or greater than 0, as for qsort(3). The call chooses the direction.
    case comparison(NativeScalar)
    /// Tells how far the work is: a fraction, or how much is done of how much. Answers whether to stop.
    case progress(fraction: Int?, done: Int?, total: Int?)
    /// Answers whether to stop.
    case cancellation
  }

  let kind: Kind
  /// What stops the library's work, where the callback returns a number.
  private let stopValue: Int64
  private let parameters: [NativeScalar?]
  private let returns: NativeScalar?
  fileprivate let interface = UnsafeMutablePointer<ffi_cif>.allocate(capacity: 1)
  private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>

  /// Whether a call says how it works.
  var isChosen: Bool { if case .comparison = kind { true } else { false } }

  /// - Parameter object: Of the manifest's "callbacks".
  init(_ object: JSON) throws(PluginError) {
    try object.checkKeys([
      "kind", "element", "parameters", "returns", "fraction", "done", "total", "stop",
      "description",
    ])
    let parameters = try Self.parameters(object)
    self.parameters = parameters
    returns = try Self.returns(object)
    stopValue =
      switch object["stop"] {
      case nil: 1
      case .integer(let number)?: number
      default: throw PluginError("\"stop\" must be a whole number", at: "stop")
      }
    switch try object.text("kind") {
    case "comparison":
      guard let element = NativeScalar(try object.text("element")) else {
        throw PluginError("\"element\" must be a number's type", at: "element")
      }
      kind = .comparison(element)
    case "progress":
      let places = try ["fraction", "done", "total"].map { (key) throws(PluginError) in
        try Self.place(key, in: object, of: parameters)
      }
      guard places[0] != nil || (places[1] != nil && places[2] != nil) else {
        throw PluginError(
          "a callback of progress needs \"fraction\", or \"done\" and \"total\": the place of that parameter, from 0",
          at: "kind")
      }
      kind = .progress(fraction: places[0], done: places[1], total: places[2])
    case "cancellation": kind = .cancellation
    case let other:
      throw PluginError(
        "unknown kind \"\(other)\"; there are comparison, progress and cancellation", at: "kind")
    }
    var ffi = parameters.map { $0?.ffi ?? bridge_ffi_type_pointer()! }
    var returned = returns?.ffi ?? bridge_ffi_type_void()!
    if case .comparison = kind {
      ffi = [bridge_ffi_type_pointer(), bridge_ffi_type_pointer()]
      returned = bridge_ffi_type_sint32()
    }
    types = .allocate(capacity: max(ffi.count, 1))
    for (index, type) in ffi.enumerated() { types[index] = type }
    guard ffi_prep_cif(interface, FFI_DEFAULT_ABI, UInt32(ffi.count), returned, types) == FFI_OK
    else {
      throw PluginError("libffi refuses the callback")
    }
  }

  deinit {
    interface.deallocate()
    types.deallocate()
  }

  /// Numbers, and nil for pointers, which are the library's own business.
  private static func parameters(_ object: JSON) throws(PluginError) -> [NativeScalar?] {
    guard let list = object["parameters"] else { return [] }
    guard case .array(let names) = list else {
      throw PluginError("\"parameters\" must be an array of types", at: "parameters")
    }
    return try JSONPlace.Step.key("parameters").within { () throws(PluginError) in
      try names.readEach { (name) throws(PluginError) -> NativeScalar? in
        guard case .string(let name) = name else { throw PluginError("a type is a string") }
        if name == "pointer" { return nil }
        guard let scalar = NativeScalar(name) else {
          throw PluginError(
            "unknown type \"\(name)\"; callbacks take numbers, bool and \"pointer\"")
        }
        return scalar
      }
    }
  }

  private static func returns(_ object: JSON) throws(PluginError) -> NativeScalar? {
    let name = try object.optionalText("returns")
    if name.isEmpty || name == "void" { return nil }
    guard let scalar = NativeScalar(name), scalar.toolType != .float else {
      throw PluginError("a callback returns a whole number, bool or void", at: "returns")
    }
    return scalar
  }

  private static func place(
    _ key: String, in object: JSON, of parameters: [NativeScalar?]
  ) throws(PluginError) -> Int? {
    guard let value = object[key] else { return nil }
    guard case .integer(let place) = value, parameters.indices.contains(Int(clamping: place)),
      parameters[Int(place)] != nil
    else {
      throw PluginError(
        "\"\(key)\" must be the place of a number among the parameters, from 0", at: key)
    }
    return Int(place)
  }

  // MARK: A call

  /// A callback as one call has it: a function that the library can call until `free`.
  final class Closure {
    fileprivate let callback: NativeCallback
    fileprivate unowned let call: ToolCall
    fileprivate let isDescending: Bool
    private let memory: UnsafeMutableRawPointer
    /// What the library calls.
    let code: UnsafeMutableRawPointer

    /// - Returns: nil where there is no memory for it.
    init?(_ callback: NativeCallback, of call: ToolCall, isDescending: Bool) {
      var code: UnsafeMutableRawPointer?
      guard let memory = ffi_closure_alloc(MemoryLayout<ffi_closure>.size, &code), let code else {
        return nil
      }
      self.callback = callback
      self.call = call
      self.isDescending = isDescending
      self.memory = memory
      self.code = code
      let closure = memory.assumingMemoryBound(to: ffi_closure.self)
      let status = ffi_prep_closure_loc(
        closure, callback.interface, runClosure, Unmanaged.passUnretained(self).toOpaque(), code)
      guard status == FFI_OK else { return nil }
    }

    deinit { ffi_closure_free(memory) }
  }

  fileprivate func run(
    _ closure: Closure, _ result: UnsafeMutableRawPointer?,
    _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  ) {
    switch kind {
    case .comparison(let element):
      let places = (0..<2).map { arguments![$0]!.load(as: UnsafeRawPointer.self) }
      let order = Self.order(places[0], places[1], element)
      // Narrow results are a whole register for libffi.
      result!.storeBytes(of: Int64(closure.isDescending ? -order : order), as: Int64.self)
    case .progress(let fraction, let done, let total):
      func number(_ place: Int?) -> Double? {
        guard let place, let value = parameters[place]?.load(from: arguments![place]!) else {
          return nil
        }
        return switch value {
        case .float(let number): number
        case .integer(let number): Double(number)
        default: nil
        }
      }
      let ratio =
        number(fraction) ?? number(total).flatMap { $0 > 0 ? (number(done) ?? 0) / $0 : 0 }
      answer(isToStop: closure.call.progress(ratio ?? 0, "") != nil, result)
    case .cancellation: answer(isToStop: closure.call.cancellation != nil, result)
    }
  }

  private func answer(isToStop: Bool, _ result: UnsafeMutableRawPointer?) {
    guard returns != nil, let result else { return }
    let goOn: Int64 = stopValue == 0 ? 1 : 0
    result.storeBytes(of: isToStop ? stopValue : goOn, as: Int64.self)
  }

  private static func order(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ type: NativeScalar
  ) -> Int {
    func compare<Number: Comparable>(_: Number.Type) -> Int {
      let (left, right) = (
        left.loadUnaligned(as: Number.self), right.loadUnaligned(as: Number.self)
      )
      return left < right ? -1 : left > right ? 1 : 0
    }
    // NaN comes last, so that the order is one.
    func compareFractions<Number: BinaryFloatingPoint>(_: Number.Type) -> Int {
      let (left, right) = (
        left.loadUnaligned(as: Number.self), right.loadUnaligned(as: Number.self)
      )
      if left.isNaN || right.isNaN { return (left.isNaN ? 1 : 0) - (right.isNaN ? 1 : 0) }
      return left < right ? -1 : left > right ? 1 : 0
    }
    return switch type {
    case .boolean: compare(UInt8.self)
    case .size: compare(UInt64.self)
    case .float: compareFractions(Float.self)
    case .double: compareFractions(Double.self)
    case .integer(let element):
      switch element {
      case .int8: compare(Int8.self)
      case .uint8, .bool: compare(UInt8.self)
      case .int16: compare(Int16.self)
      case .uint16: compare(UInt16.self)
      case .int32, .float32: compare(Int32.self)
      case .uint32: compare(UInt32.self)
      case .int64, .float64: compare(Int64.self)
      case .uint64: compare(UInt64.self)
      }
    }
  }
}

private func runClosure(
  _: UnsafeMutablePointer<ffi_cif>?, _ result: UnsafeMutableRawPointer?,
  _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ context: UnsafeMutableRawPointer?
) {
  let closure = Unmanaged<NativeCallback.Closure>.fromOpaque(context!).takeUnretainedValue()
  closure.callback.run(closure, result, arguments)
}
