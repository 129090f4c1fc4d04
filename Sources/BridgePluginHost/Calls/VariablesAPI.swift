internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

/// The functions of `bridge_variables_api`. A variables handle is its call's handle: it is valid
/// exactly as long.
enum VariablesAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_variables_api> = {
    var api = bridge_variables_api()
    api.size = UInt32(MemoryLayout<bridge_variables_api>.size)
    api.get = get
    api.read = read
    api.release = release
    api.list = list
    api.set = set
    api.set_all = setAll
    api.create = create
    api.remove = remove
    api.watch = watch
    api.unwatch = unwatch
    return ABIStruct.placed(&api, MemoryLayout<bridge_variables_api>.size)
      .assumingMemoryBound(to: bridge_variables_api.self)
  }()
}

/// Whether flags ask for details.
///
/// - Throws: `PluginError` for flags that are not known.
private func wantsDetails(_ flags: UInt32, beside others: [Int] = []) throws -> Bool {
  try ABIStruct.check(
    flags: flags, known: [Int(BRIDGE_WITH_DETAILS)] + others, "the argument flags")
  return flags & UInt32(BRIDGE_WITH_DETAILS) != 0
}

private func get(
  _ handle: OpaquePointer?, _ identifier: bridge_str, _ flags: UInt32,
  _ snapshot: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    guard let place = snapshot else {
      throw SessionError(.invalidArgument, "the snapshot's place is NULL")
    }
    let withDetails = try wantsDetails(flags)
    let identifier = try text(identifier, "the variable's name")
    let variable = try call.services.get(identifier)
    let kept = Handles.snapshots.insert(
      Snapshot(variable, withDetails: withDetails, call: call))
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
  do {
    var view = snapshot.view
    try ABIStruct.write(
      &view, MemoryLayout<bridge_variable>.size, to: variable, "bridge_variable",
      released: ABIStruct.Released.variable)
    return .ok
  } catch {
    return snapshot.call?.note(error) ?? .stale
  }
}

private func release(_ handle: OpaquePointer?) -> bridge_status {
  guard let snapshot = Handles.snapshots.remove(handle), let handle else { return .stale }
  snapshot.call?.forget(snapshot: handle)
  return .ok
}

private func list(
  _ handle: OpaquePointer?, _ pattern: bridge_str, _ flags: UInt32,
  _ onVariable: bridge_on_variable?, _ context: UnsafeMutableRawPointer?
) -> bridge_status {
  withCall(handle) { call in
    guard let onVariable else {
      throw SessionError(.invalidArgument, "the callback is NULL")
    }
    let withDetails = try wantsDetails(flags)
    for variable in try call.services.list(try text(pattern, "the pattern")) {
      let snapshot = Snapshot(variable, withDetails: withDetails, call: nil)
      var view = snapshot.view
      var report = PluginCode.Report()
      let status = call.instance.inspecting(.onVariable, of: call.call) {
        PluginCode.take(onVariable, context, &view, &report)
      }
      withExtendedLifetime(snapshot) {}
      if let exception = report.exception {
        throw PluginError("an exception left the callback: \(exception)")
      }
      if status != .ok { return status }
    }
    return .ok
  }
}

/// A write, and the right to what it points to.
private struct Write: ~Copyable {
  let view: bridge_write

  /// - Throws: `PluginError`, when not even what to release is known.
  init(_ pointer: UnsafePointer<bridge_write>?) throws(PluginError) {
    var view = bridge_write()
    try ABIStruct.read(
      pointer, into: &view, MemoryLayout<bridge_write>.size, "bridge_write",
      released: ABIStruct.Released.write)
    self.view = view
  }

  /// Values hold their numbers in memory of their own: it is given back at once.
  deinit { if let release = view.release { PluginCode.release(release, view.context) } }

  func read() throws -> VariableWrite {
    try ABIStruct.check(
      flags: view.flags, known: [Int(BRIDGE_WRITE_CHECK_ONLY)], "bridge_write.flags")
    try ABIStruct.check(reserved: view.reserved, "bridge_write.reserved")
    let identifier = try text(view.identifier, "the variable's name")
    let isCheckOnly = view.flags & UInt32(BRIDGE_WRITE_CHECK_ONLY) != 0
    guard !isCheckOnly || view.expected_version != 0 else {
      throw SessionError(.invalidArgument, "a check of \(identifier) expects no version")
    }
    var write = VariableWrite(
      identifier, try withUnsafePointer(to: view.value) { try ToolValue(copying: $0) },
      expectedVersion: view.expected_version,
      metadata: try pairs(view.metadata, view.metadata_count))
    write.isCheckOnly = isCheckOnly
    return write
  }
}

/// Metadata that a plugin hands over.
func pairs(_ list: UnsafePointer<bridge_pair>?, _ count: Int) throws -> VariableMetadata {
  let entries = try ABIStruct.list(list, count, "the metadata").map { pair in
    (
      key: try text(pair.key, "a key of the metadata"),
      value: try text(pair.value, "an entry of the metadata")
    )
  }
  return VariableMetadata(lastOf: entries)
}

private func set(
  _ handle: OpaquePointer?, _ write: UnsafePointer<bridge_write>?,
  _ version: UnsafeMutablePointer<Int32>?
) -> bridge_status {
  withCall(handle) { call in
    let write = try Write(write).read()
    // Before the assignment, which is left out as a whole where nobody wants the version.
    let written =
      write.isCheckOnly
      ? try call.services.setAll([write])[0] : try call.services.set(write)
    version?.pointee = written.version
    return .ok
  }
}

private func setAll(
  _ handle: OpaquePointer?, _ writes: UnsafePointer<UnsafePointer<bridge_write>?>?, _ count: Int,
  _ versions: UnsafeMutablePointer<Int32>?
) -> bridge_status {
  withCall(handle) { call in
    let pointers = try ABIStruct.list(writes, count, "the writes")
    // Whatever is wrong with one, what the others point to is given back.
    var list: [VariableWrite] = []
    var failure: (any Error)?
    for pointer in pointers {
      do {
        list.append(try Write(pointer).read())
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    if list.isEmpty { return .ok }
    let written = try call.services.setAll(list)
    if let versions {
      for (index, variable) in written.enumerated() { versions[index] = variable.version }
    }
    return .ok
  }
}

private func create(
  _ handle: OpaquePointer?, _ given: UnsafePointer<bridge_creation>?
) -> bridge_status {
  withCall(handle) { call in
    var creation = bridge_creation()
    try ABIStruct.read(
      given, into: &creation, MemoryLayout<bridge_creation>.size, "bridge_creation",
      released: ABIStruct.Released.creation)
    let name = try text(creation.name, "the variable's name")
    guard let type = ValueType(abi: creation.type) else {
      throw SessionError(.invalidArgument, "variables have no type \(creation.type)")
    }
    _ = try call.services.create(
      NewVariable(
        name: name, type: type,
        value: try withUnsafePointer(to: creation.value) { try ToolValue(copying: $0) },
        constraintsJSON: try text(creation.constraints, "the constraints"),
        metadata: try pairs(creation.metadata, creation.metadata_count)))
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
  _ handle: OpaquePointer?, _ given: UnsafePointer<bridge_subscription>?,
  _ watch: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    var subscription = bridge_subscription()
    try ABIStruct.read(
      given, into: &subscription, MemoryLayout<bridge_subscription>.size,
      "bridge_subscription", released: ABIStruct.Released.subscription)
    let withDetails = try wantsDetails(subscription.flags, beside: [Int(BRIDGE_WATCH_INITIAL)])
    guard let onChange = subscription.on_change, let place = watch else {
      throw SessionError(.invalidArgument, "the callback or the watch's place is NULL")
    }
    let names = try ABIStruct.list(
      subscription.identifiers, subscription.identifier_count, "the identifiers"
    ).map { try text($0, "a variable's name") }
    let new = PluginWatch(
      of: call.instance, withDetails: withDetails, callback: onChange,
      context: subscription.context)
    let handle = Handles.watches.insert(new)
    // Before the first callback, which may unwatch.
    place.pointee = handle
    new.belongs(to: call, as: handle)
    guard call.keep(watch: new, handle: handle) else {
      Handles.watches.remove(handle)
      throw SessionError(.failedPrecondition, "the call is ending")
    }
    do {
      let initial = subscription.flags & UInt32(BRIDGE_WATCH_INITIAL) != 0
      try new.start(call.services, names, initial: initial)
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
