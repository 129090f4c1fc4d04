internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

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

private func get(
  _ handle: OpaquePointer?, _ identifier: bridge_str,
  _ snapshot: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let place = snapshot else {
      throw SessionError(.invalidArgument, "the snapshot's place is NULL")
    }
    let identifier = try text(identifier, "the variable's name")
    let variable = try call.services.get(identifier)
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
    for variable in try call.services.list(try text(pattern, "the pattern")) {
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
    let written = try call.services.set(
      VariableWrite(identifier, try ToolValue(copying: value), expectedVersion: expected))
    version?.pointee = written.version
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
    let list = try (0..<count).map { index -> VariableWrite in
      let write = UnsafeRawPointer(writes).advanced(by: index * stride)
        .assumingMemoryBound(to: bridge_write.self)
      let identifier = try text(write.pointee.identifier, "the variable's name")
      let value = try withUnsafePointer(to: write.pointee.value) { try ToolValue(copying: $0) }
      return VariableWrite(identifier, value, expectedVersion: write.pointee.expected_version)
    }
    _ = try call.services.setAll(list, metadata: [:])
    return .ok
  }
}

private func create(
  _ handle: OpaquePointer?, _ name: bridge_str, _ type: bridge_type,
  _ value: UnsafePointer<bridge_value>?, _ constraints: bridge_str
) -> bridge_status {
  withCall(handle) { call in
    let name = try text(name, "the variable's name")
    guard let type = ValueType(abi: type) else {
      throw SessionError(.invalidArgument, "variables have no type \(type)")
    }
    _ = try call.services.create(
      NewVariable(
        name: name, type: type, value: try ToolValue(copying: value),
        constraintsJSON: try text(constraints, "the constraints")))
    return .ok
  }
}

private func remove(_ handle: OpaquePointer?, _ identifier: bridge_str) -> bridge_status {
  withCall(handle) { call in
    try call.services.remove(try text(identifier, "the variable's name"))
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
    let new = PluginWatch(callback: onChange, context: context)
    let handle = Handles.watches.insert(new)
    // Before the first callback, which may unwatch.
    place.pointee = handle
    new.belongs(to: call, as: handle)
    guard call.keep(watch: new, handle: handle) else {
      Handles.watches.remove(handle)
      throw SessionError(.failedPrecondition, "the call is ending")
    }
    do {
      try new.start(call.services, names, initial: initial != 0)
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
