internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

private var host: UnsafePointer<bridge_variables_api> { VariablesAPI.table }

/// `bridge_variables_api` for plugins that are inspected.
enum InspectedVariablesAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_variables_api> = {
    var api = bridge_variables_api()
    api.size = UInt32(MemoryLayout<bridge_variables_api>.size)
    setReading(&api)
    setWriting(&api)
    setWatching(&api)
    return ABIStruct.placed(&api, MemoryLayout<bridge_variables_api>.size)
      .assumingMemoryBound(to: bridge_variables_api.self)
  }()

  private static func setReading(_ api: inout bridge_variables_api) {
    api.get = { handle, identifier, flags, snapshot in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .get, [.text("identifier", identifier)]) {
        guard let variable = Handles.snapshots[snapshot?.pointee]?.variable else { return [] }
        return [
          HostArgument(name: "value", value: .value(variable.value, variable.type)),
          .integer("version", Int64(variable.version)),
        ]
      } _: {
        let status = host.pointee.get(handle, identifier, flags, snapshot)
        if status == .ok { Inspected.note(snapshot?.pointee, of: owner) }
        return status
      }
    }
    api.read = { snapshot, variable in
      Inspected.use(Inspected.snapshot(snapshot), .read) { host.pointee.read(snapshot, variable) }
    }
    api.release = { snapshot in
      Inspected.use(Inspected.snapshot(snapshot), .release) { host.pointee.release(snapshot) }
    }
    api.list = { handle, pattern, flags, onVariable, context in
      Inspected.use(Inspected.call(handle), .list, [.text("pattern", pattern)]) {
        host.pointee.list(handle, pattern, flags, onVariable, context)
      }
    }
  }

  private static func setWriting(_ api: inout bridge_variables_api) {
    api.set = { handle, write, version in
      Inspected.use(Inspected.call(handle), .set, arguments(write)) {
        version.map { [.integer("version", Int64($0.pointee))] } ?? []
      } refused: {
        release(write)
      } _: {
        host.pointee.set(handle, write, version)
      }
    }
    api.set_all = { handle, writes, count, versions in
      Inspected.use(
        Inspected.call(handle), .setAll, arguments(writes, count),
        refused: { for index in 0..<max(0, min(count, 1 << 24)) { release(writes?[index]) } }
      ) {
        host.pointee.set_all(handle, writes, count, versions)
      }
    }
    api.create = { handle, creation in
      Inspected.use(Inspected.call(handle), .create, arguments(creation)) {
        host.pointee.create(handle, creation)
      }
    }
    api.remove = { handle, identifier in
      Inspected.use(Inspected.call(handle), .remove, [.text("identifier", identifier)]) {
        host.pointee.remove(handle, identifier)
      }
    }
  }

  private static func setWatching(_ api: inout bridge_variables_api) {
    api.watch = { handle, subscription, watch in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .watch, arguments(subscription)) {
        let status = host.pointee.watch(handle, subscription, watch)
        if status == .ok { Inspected.note(watch?.pointee, of: owner) }
        return status
      }
    }
    api.unwatch = { watch in
      Inspected.use(Inspected.watch(watch), .unwatch) { host.pointee.unwatch(watch) }
    }
  }
}

// MARK: Arguments

private func isWhole(_ write: UnsafePointer<bridge_write>?) -> Bool {
  write.map { $0.pointee.size >= ABIStruct.Released.write } ?? false
}

/// What is given is the host's, whatever is answered.
private func release(_ write: UnsafePointer<bridge_write>?) {
  guard let write, isWhole(write), let release = write.pointee.release else { return }
  PluginCode.release(release, write.pointee.context)
}

private func arguments(_ write: UnsafePointer<bridge_write>?) -> [HostArgument] {
  guard let write, isWhole(write) else { return [] }
  var arguments: [HostArgument] = [.text("identifier", write.pointee.identifier)]
  if write.pointee.flags & UInt32(BRIDGE_WRITE_CHECK_ONLY) == 0 {
    arguments.append(withUnsafePointer(to: write.pointee.value) { .value("value", $0) })
  } else {
    arguments.append(.flag("check_only", true))
  }
  if write.pointee.expected_version != 0 {
    arguments.append(.integer("expected_version", Int64(write.pointee.expected_version)))
  }
  return arguments
}

private func arguments(
  _ writes: UnsafePointer<UnsafePointer<bridge_write>?>?, _ count: Int
) -> [HostArgument] {
  guard let writes, count >= 0, count <= 1 << 24 else { return [] }
  return (0..<count).flatMap { arguments(writes[$0]) }
}

private func arguments(_ creation: UnsafePointer<bridge_creation>?) -> [HostArgument] {
  guard let creation, creation.pointee.size >= ABIStruct.Released.creation else { return [] }
  return [
    .text("name", creation.pointee.name),
    withUnsafePointer(to: creation.pointee.value) { .value("value", $0) },
  ]
}

private func arguments(
  _ subscription: UnsafePointer<bridge_subscription>?
) -> [HostArgument] {
  guard let subscription, subscription.pointee.size >= ABIStruct.Released.subscription,
    let identifiers = try? ABIStruct.list(
      subscription.pointee.identifiers, subscription.pointee.identifier_count, "the identifiers")
  else { return [] }
  return (0..<identifiers.count).map { .text("identifier", identifiers[$0]) }
    + [.flag("initial", subscription.pointee.flags & UInt32(BRIDGE_WATCH_INITIAL) != 0)]
}
