internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Threads

/// Whose a use of a handle is, and how it is told.
///
/// The functions of the inspected tables do what those of the host's own do, through them, and tell the
/// inspector of the plugin's loading.
enum Inspected {
  /// Who a handle belongs to.
  struct Owner {
    var call: PluginCall?
    var inspector: (any HostInspector)?
    var isStale: Bool
  }

  // MARK: Handles

  private final class Weak: Sendable {
    private let inspector: UncheckedWeak

    init(_ inspector: any HostInspector) { self.inspector = UncheckedWeak(inspector) }

    var object: (any HostInspector)? { inspector.object }
  }

  // @unchecked: weak references may be read from any thread; it is written once.
  private struct UncheckedWeak: @unchecked Sendable {
    weak var object: (any HostInspector)?

    init(_ object: any HostInspector) { self.object = object }
  }

  /// Who hears of handles that are over. They are never forgotten: processes that inspect are small.
  private static let known = Locked<[UInt: Weak]>([:])

  private static func owner(_ handle: OpaquePointer?, _ call: PluginCall?, isStale: Bool) -> Owner {
    let bits = UInt(bitPattern: handle)
    if let call, let inspector = call.instance.inspector {
      known.withLock { if $0[bits] == nil { $0[bits] = Weak(inspector) } }
      return Owner(call: call, inspector: inspector, isStale: isStale)
    }
    return Owner(call: call, inspector: known.withLock { $0[bits] }?.object, isStale: isStale)
  }

  static func call(_ handle: OpaquePointer?) -> Owner {
    let call = Handles.calls[handle]
    return owner(handle, call, isStale: call == nil)
  }

  static func token(_ handle: OpaquePointer?) -> Owner {
    let call = Handles.tokens[handle]
    return owner(handle, call, isStale: call == nil)
  }

  static func snapshot(_ handle: OpaquePointer?) -> Owner {
    let snapshot = Handles.snapshots[handle]
    return owner(handle, snapshot?.call, isStale: snapshot == nil)
  }

  static func watch(_ handle: OpaquePointer?) -> Owner {
    let watch = Handles.watches[handle]
    return owner(handle, watch?.owner, isStale: watch == nil)
  }

  static func listener(_ handle: OpaquePointer?) -> Owner {
    let listener = Handles.listeners[handle]
    return owner(handle, listener?.call, isStale: listener == nil)
  }

  static func invocation(_ handle: OpaquePointer?) -> Owner {
    let invocation = Handles.invocations[handle]
    return owner(handle, invocation?.caller, isStale: invocation == nil)
  }

  /// Notes whose a handle is that the plugin has just been given.
  static func note(_ handle: OpaquePointer?, of owner: Owner) {
    guard let handle, let inspector = owner.inspector else { return }
    known.withLock { $0[UInt(bitPattern: handle)] = Weak(inspector) }
  }

  // MARK: Uses

  /// Tells the owner's inspector of a use, and forwards it.
  ///
  /// - Parameters:
  ///   - answers: What was written to places of the caller's; asked for after an answer of OK.
  ///   - refused: Run when the inspector answers in the host's place.
  static func use(
    _ owner: Owner, _ function: HostFunction, _ arguments: @autoclosure () -> [HostArgument] = [],
    answers: () -> [HostArgument] = { [] }, refused: () -> Void = {},
    _ forward: () -> bridge_status
  ) -> bridge_status {
    guard let inspector = owner.inspector else { return forward() }
    let use = HostUse(
      function: function, call: owner.call?.call, isStale: owner.isStale, arguments: arguments())
    let (number, failure) = inspector.begins(use)
    if let failure, function.mayFail, let call = owner.call {
      refused()
      call.note(LastError(failure.status, failure.message))
      inspector.ends(number, HostAnswer(status: failure.status, values: []))
      return failure.status
    }
    let status = forward()
    inspector.ends(
      number, HostAnswer(status: status, values: status == .ok ? answers() : []))
    return status
  }

  /// The same for a function that answers nothing.
  static func tell(
    _ inspector: (any HostInspector)?, _ function: HostFunction, _ arguments: [HostArgument],
    of call: PluginCall? = nil, isStale: Bool = false, _ forward: () -> Void
  ) {
    guard let inspector else { return forward() }
    let (number, _) = inspector.begins(
      HostUse(function: function, call: call?.call, isStale: isStale, arguments: arguments))
    forward()
    inspector.ends(number, HostAnswer(status: nil, values: []))
  }
}

// Values of the ABI, for those who are told of them: what makes no sense is left as a sentence.
extension HostArgument {
  static func text(_ name: String, _ text: bridge_str) -> HostArgument {
    if let string = text.string {
      return HostArgument(name: name, value: .value(.string(string), .string))
    }
    return HostArgument(name: name, value: text.bytes.map { .bytes($0) } ?? .null)
  }

  static func integer(_ name: String, _ number: Int64) -> HostArgument {
    HostArgument(name: name, value: .value(.integer(number), .integer))
  }

  static func number(_ name: String, _ number: Double) -> HostArgument {
    HostArgument(name: name, value: .value(.float(number), .float))
  }

  static func flag(_ name: String, _ flag: Bool) -> HostArgument {
    HostArgument(name: name, value: .value(.boolean(flag), .boolean))
  }

  /// A value, copied.
  static func value(_ name: String, _ value: UnsafePointer<bridge_value>?) -> HostArgument {
    do {
      return HostArgument(name: name, value: try ToolValue(copying: value))
    } catch {
      return HostArgument(name: name, value: .value(.string("<\(error)>"), .string))
    }
  }
}
