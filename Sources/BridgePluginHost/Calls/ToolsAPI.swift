internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Threads

/// The functions of `bridge_tools_api`.
enum ToolsAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_tools_api> = {
    var api = bridge_tools_api()
    api.size = UInt32(MemoryLayout<bridge_tools_api>.size)
    api.invoke = invoke
    api.outcome = outcome
    api.drop = drop
    return ABIStruct.placed(&api, MemoryLayout<bridge_tools_api>.size)
      .assumingMemoryBound(to: bridge_tools_api.self)
  }()
}

private func invoke(
  _ handle: OpaquePointer?, _ given: UnsafePointer<bridge_request>?,
  _ invocation: UnsafeMutablePointer<OpaquePointer?>?
) -> bridge_status {
  withCall(handle) { call in
    var request = bridge_request()
    try ABIStruct.read(
      given, into: &request, MemoryLayout<bridge_request>.size, "bridge_request",
      released: ABIStruct.Released.request)
    try ABIStruct.check(flags: request.flags, known: [], "bridge_request.flags")
    guard let place = invocation else {
      throw SessionError(.invalidArgument, "the invocation's place is NULL")
    }
    let tool = try text(request.tool, "the tool's name")
    let arguments = try ABIStruct.list(
      request.arguments, request.argument_count, "the arguments"
    ).map { argument in
      GivenArgument(
        name: try text(argument.name, "an argument's name"),
        given: try withUnsafePointer(to: argument.value) { try ToolValue(copying: $0) })
    }
    if let twice = firstTwice(arguments.map(\.name)) {
      throw SessionError(.invalidArgument, "the argument \(twice) is given twice")
    }
    guard request.timeout >= 0 else {
      throw SessionError(.invalidArgument, "a timeout of \(request.timeout) nanoseconds is none")
    }
    let (deadline, overflow) = MonotonicClock.now.addingReportingOverflow(request.timeout)
    let new = Invocation(of: call, request)
    let handle = Handles.invocations.insert(new)
    // Before the first callback, which may drop it.
    place.pointee = handle
    new.handle = handle
    guard call.keep(invocation: new, handle: handle) else {
      Handles.invocations.remove(handle)
      throw SessionError(.failedPrecondition, "the call is ending")
    }
    do {
      new.begin(
        try call.services.start(
          tool, arguments: arguments, metadata: pairs(request.metadata, request.metadata_count),
          deadline: request.timeout == 0 || overflow ? nil : deadline,
          isStreaming: request.on_chunk != nil, from: call.call, waits: false, observer: new))
    } catch {
      Handles.invocations.remove(handle)
      call.forget(invocation: handle)
      throw error
    }
    return .ok
  }
}

private func firstTwice(_ names: [String]) -> String? {
  var seen: Set<String> = []
  return names.first { !seen.insert($0).inserted }
}

private func outcome(
  _ handle: OpaquePointer?, _ outcome: UnsafeMutablePointer<bridge_outcome>?
) -> bridge_status {
  guard let invocation = Handles.invocations[handle] else { return .stale }
  do {
    if let reason = try invocation.wait() { return bridge_status(reason) }
    var view = invocation.view
    try ABIStruct.write(
      &view, MemoryLayout<bridge_outcome>.size, to: outcome, "bridge_outcome",
      released: ABIStruct.Released.outcome)
    return .ok
  } catch {
    return invocation.caller?.note(error) ?? .stale
  }
}

private func drop(_ handle: OpaquePointer?) -> bridge_status {
  guard let handle, let invocation = Handles.invocations.remove(handle) else { return .stale }
  invocation.end()
  if !invocation.gate.isOccupied { invocation.caller?.forget(invocation: handle) }
  return .ok
}
