internal import BridgePluginABI
internal import BridgeTools

private var host: UnsafePointer<bridge_tools_api> { ToolsAPI.table }

/// `bridge_tools_api` for plugins that are inspected.
enum InspectedToolsAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_tools_api> = {
    var api = bridge_tools_api()
    api.size = UInt32(MemoryLayout<bridge_tools_api>.size)
    api.invoke = { handle, request, invocation in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .invoke, arguments(request)) {
        let status = host.pointee.invoke(handle, request, invocation)
        if status == .ok { Inspected.note(invocation?.pointee, of: owner) }
        return status
      }
    }
    api.outcome = { invocation, outcome in
      Inspected.use(Inspected.invocation(invocation), .outcome) {
        guard let outcome, outcome.pointee.size >= ABIStruct.Released.outcome else { return [] }
        return [
          .integer("status", Int64(outcome.pointee.status)),
          withUnsafePointer(to: outcome.pointee.value) { .value("value", $0) },
        ]
      } _: {
        host.pointee.outcome(invocation, outcome)
      }
    }
    api.drop = { invocation in
      Inspected.use(Inspected.invocation(invocation), .drop) { host.pointee.drop(invocation) }
    }
    return ABIStruct.placed(&api, MemoryLayout<bridge_tools_api>.size)
      .assumingMemoryBound(to: bridge_tools_api.self)
  }()
}

private func arguments(_ request: UnsafePointer<bridge_request>?) -> [HostArgument] {
  guard let request, request.pointee.size >= ABIStruct.Released.request,
    let given = try? ABIStruct.list(
      request.pointee.arguments, request.pointee.argument_count, "the arguments")
  else { return [] }
  var arguments: [HostArgument] = [.text("tool", request.pointee.tool)]
  for index in 0..<given.count {
    let name = given[index].name.string ?? "?"
    arguments.append(withUnsafePointer(to: given[index].value) { .value(name, $0) })
  }
  if request.pointee.timeout != 0 {
    arguments.append(.integer("timeout", request.pointee.timeout))
  }
  return arguments
}
