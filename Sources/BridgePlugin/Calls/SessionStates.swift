internal import BridgePluginABI
internal import Synchronization

/// What a plugin keeps for one session: one object a type.
final class SessionStates: Sendable {
  private let states = Mutex<[ObjectIdentifier: any AnyObject & Sendable]>([:])

  /// Those of a call's session, made where there are none yet.
  static func of(_ api: CallAPI) throws(ToolError) -> SessionStates {
    var found: UnsafeMutableRawPointer?
    var status = api.table.state!(api.call.pointer, &found)
    if status == Status.notFound {
      let new = SessionStates()
      let offered = Unmanaged.passRetained(new)
      status = api.table.keep_state!(
        api.call.pointer, offered.toOpaque(),
        { state in
          if let state { Unmanaged<SessionStates>.fromOpaque(state).release() }
        }, &found)
      if status == Status.ok { return new }
      offered.release()
      // Another call was faster.
      if status == Status.alreadyExists { status = Status.ok }
    }
    try api.check(status)
    guard let found else { throw api.error(Status.internalError) }
    return Unmanaged<SessionStates>.fromOpaque(found).takeUnretainedValue()
  }

  /// The object of a type.
  func state<State: AnyObject & Sendable>(_ make: () throws -> State) rethrows -> State {
    let key = ObjectIdentifier(State.self)
    if let state = states.withLock({ $0[key] as? State }) { return state }
    // Not under the lock: making one may take long, and use the call.
    let new = try make()
    return states.withLock { states in
      if let state = states[key] as? State { return state }
      states[key] = new
      return new
    }
  }
}
