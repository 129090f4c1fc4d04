internal import BridgePluginABI
internal import BridgeSessions

/// The functions of `bridge_variables_api`. A variables handle is its call's handle: it is valid
/// exactly as long.
enum VariablesAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_variables_api> = {
    let table = UnsafeMutablePointer<bridge_variables_api>.allocate(capacity: 1)
    table.initialize(
      to: bridge_variables_api(
        size: MemoryLayout<bridge_variables_api>.size,
        get: get, read: read, release: release, list: list, set: set, set_all: setAll,
        create: create, remove: remove, watch: watch, unwatch: unwatch))
    return UnsafePointer(table)
  }()
}

/// What a tool said it uses, enforced.
extension ToolCall {
  private var footprint: ToolDescription { tool.description }

  fileprivate func checkRead(_ name: String) throws {
    if footprint.reads.isEmpty && footprint.writes.isEmpty { return }
    if Self.covers(footprint.reads + footprint.writes, name) { return }
    throw SessionError(
      .permissionDenied, "\(footprint.name) does not declare that it reads \(name)")
  }

  fileprivate func checkWrite(_ name: String) throws {
    if footprint.isReadOnly {
      throw SessionError(
        .permissionDenied, "\(footprint.name) is read-only and cannot write \(name)")
    }
    if footprint.reads.isEmpty && footprint.writes.isEmpty { return }
    if Self.covers(footprint.writes, name) { return }
    throw SessionError(
      .permissionDenied, "\(footprint.name) does not declare that it writes \(name)")
  }

  private static func covers(_ declared: [String], _ name: String) -> Bool {
    declared.contains { $0 == name || Wildcard($0).matches(name) }
  }

  /// The name behind an identifier, for the footprint.
  fileprivate func name(of identifier: String) -> String {
    if footprint.reads.isEmpty && footprint.writes.isEmpty { return identifier }
    return (try? session.get(identifier))?.variable.name ?? identifier
  }

  fileprivate var writer: Writer {
    Writer(.plugin, metadata: ["source": "tool:\(tool.description.name)"])
  }
}

private func get(
  _ handle: OpaquePointer?, _ identifier: bridge_str,
  _ snapshot: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let place = snapshot else {
      throw SessionError(.invalidArgument, "the snapshot's place is NULL")
    }
    let identifier = try text(identifier, "the variable's name")
    try call.checkRead(call.name(of: identifier))
    let variable = try call.session.get(identifier).variable
    let kept = Handles.snapshots.insert(Snapshot(variable, call: call))
    guard call.keep(snapshot: kept) else {
      Handles.snapshots.remove(kept)
      throw SessionError(.failedPrecondition, "the call is ending")
    }
    place.pointee = kept
    return .ok
  }
}

private func read(
  _ handle: OpaquePointer?, _ variable: UnsafeMutablePointer<bridge_variable>?
) -> bridge_status {
  guard let snapshot = Handles.snapshots[handle] else { return .stale }
  variable?.pointee = snapshot.view
  return .ok
}

private func release(_ handle: OpaquePointer?) -> bridge_status {
  guard let snapshot = Handles.snapshots.remove(handle), let handle else { return .stale }
  snapshot.call?.forget(snapshot: handle)
  return .ok
}

private func list(
  _ handle: OpaquePointer?, _ pattern: bridge_str, _ onVariable: bridge_on_variable?,
  _ context: UnsafeMutableRawPointer?
) -> bridge_status {
  withCall(handle) { call in
    for variable in try call.session.list(try text(pattern, "the pattern")).variables {
      do { try call.checkRead(variable.name) } catch { continue }
      let snapshot = Snapshot(variable, call: nil)
      var view = snapshot.view
      let status = onVariable?(context, &view) ?? .ok
      withExtendedLifetime(snapshot) {}
      if status != .ok { return status }
    }
    return .ok
  }
}

private func set(
  _ handle: OpaquePointer?, _ identifier: bridge_str, _ value: UnsafePointer<bridge_value>?,
  _ expected: Int32, _ version: UnsafeMutablePointer<Int32>?
) -> bridge_status {
  withCall(handle) { call in
    let identifier = try text(identifier, "the variable's name")
    try call.checkWrite(call.name(of: identifier))
    let value = try ToolValue(copying: value)
    let variable = try call.session.set(
      identifier, expectedVersion: expected, writer: call.writer
    ) { Payload(try value.converted(to: $0.type)) }
    version?.pointee = variable.version
    try call.session.waitUntilStored()
    return .ok
  }
}

private func setAll(
  _ handle: OpaquePointer?, _ writes: UnsafePointer<bridge_write>?, _ count: Int
) -> bridge_status {
  withCall(handle) { call in
    guard count > 0 else { return .ok }
    guard let writes, writes.pointee.size >= MemoryLayout<bridge_write>.size else {
      throw SessionError(.invalidArgument, "the writes are NULL or have no size")
    }
    let stride = Int(writes.pointee.size)
    let updates = try (0..<count).map { index -> Update in
      let write = UnsafeRawPointer(writes).advanced(by: index * stride)
        .assumingMemoryBound(to: bridge_write.self)
      let identifier = try text(write.pointee.identifier, "the variable's name")
      try call.checkWrite(call.name(of: identifier))
      let value = try withUnsafePointer(to: write.pointee.value) { try ToolValue(copying: $0) }
      return Update(identifier, expectedVersion: write.pointee.expected_version) {
        Payload(try value.converted(to: $0.type))
      }
    }
    let result = try call.session.set(updates, atomic: true, writer: call.writer)
    for case .failure(let error) in result.results
    where error.message != Session.batchRefused.message {
      throw error
    }
    try call.session.waitUntilStored()
    return .ok
  }
}

private func create(
  _ handle: OpaquePointer?, _ name: bridge_str, _ type: bridge_type,
  _ value: UnsafePointer<bridge_value>?, _ constraints: bridge_str
) -> bridge_status {
  withCall(handle) { call in
    let name = try text(name, "the variable's name")
    try call.checkWrite(name)
    guard let type = ValueType(abi: type) else {
      throw SessionError(.invalidArgument, "variables have no type \(type)")
    }
    let value = try ToolValue(copying: value).converted(to: type)
    try call.session.register(
      name: name, type: type, constraints: try text(constraints, "the constraints"),
      payload: Payload(value), writer: call.writer)
    try call.session.waitUntilStored()
    return .ok
  }
}

private func remove(_ handle: OpaquePointer?, _ identifier: bridge_str) -> bridge_status {
  withCall(handle) { call in
    let identifier = try text(identifier, "the variable's name")
    try call.checkWrite(call.name(of: identifier))
    _ = try call.session.delete(identifier, writer: call.writer)
    try call.session.waitUntilStored()
    return .ok
  }
}

private func watch(
  _ handle: OpaquePointer?, _ identifiers: UnsafePointer<bridge_str>?, _ count: Int,
  _ initial: UInt8, _ onChange: bridge_on_change?, _ context: UnsafeMutableRawPointer?,
  _ watch: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let onChange, let place = watch, count == 0 || identifiers != nil else {
      throw SessionError(
        .invalidArgument, "the identifiers, the callback or the watch's place is NULL")
    }
    let names = try (0..<count).map { try text(identifiers![$0], "a variable's name") }
    for name in names { try call.checkRead(call.name(of: name)) }
    if names.isEmpty { try call.checkRead("*") }
    let new = ToolWatch(
      callbacks: call.environment.callbacks, callback: onChange, context: context)
    let handle = Handles.watches.insert(new)
    // Before the first callback, which may unwatch.
    place.pointee = handle
    new.belongs(to: call, as: handle)
    guard call.keep(watch: new, handle: handle) else {
      Handles.watches.remove(handle)
      throw SessionError(.failedPrecondition, "the call is ending")
    }
    do {
      try new.start(call.session, names, initial: initial != 0)
    } catch {
      Handles.watches.remove(handle)
      call.forget(watch: handle)
      throw error
    }
    return .ok
  }
}

private func unwatch(_ handle: OpaquePointer?) -> bridge_status {
  guard let watch = Handles.watches.remove(handle) else { return .stale }
  watch.unwatch()
  return .ok
}
