internal import BridgePluginABI
internal import BridgeTools

private var host: UnsafePointer<bridge_call_api> { CallAPI.table }

/// `bridge_call_api` for plugins that are inspected.
enum InspectedCallAPI {
  /// Made once, never freed: plugins keep the pointer.
  nonisolated(unsafe) static let table: UnsafePointer<bridge_call_api> = {
    var api = bridge_call_api()
    api.size = UInt32(MemoryLayout<bridge_call_api>.size)
    setReading(&api)
    setTime(&api)
    setAnswers(&api)
    setStream(&api)
    setFailures(&api)
    setState(&api)
    setEnd(&api)
    return ABIStruct.placed(&api, MemoryLayout<bridge_call_api>.size)
      .assumingMemoryBound(to: bridge_call_api.self)
  }()

  private static func setReading(_ api: inout bridge_call_api) {
    api.parameter = { handle, name, value in
      Inspected.use(Inspected.call(handle), .parameter, [.text("name", name)]) {
        value.map { [.value("value", $0)] } ?? []
      } _: {
        host.pointee.parameter(handle, name, value)
      }
    }
    api.session_id = { handle, id in
      Inspected.use(Inspected.call(handle), .sessionID) {
        id.map { [.text("id", $0.pointee)] } ?? []
      } _: {
        host.pointee.session_id(handle, id)
      }
    }
    api.metadata = { handle, key, value in
      Inspected.use(Inspected.call(handle), .metadata, [.text("key", key)]) {
        value.map { [.text("value", $0.pointee)] } ?? []
      } _: {
        host.pointee.metadata(handle, key, value)
      }
    }
  }

  private static func setTime(_ api: inout bridge_call_api) {
    api.check = { handle in
      Inspected.use(Inspected.call(handle), .check) { host.pointee.check(handle) }
    }
    api.remaining = { handle, nanoseconds in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .remaining) {
        nanoseconds.map { [.integer("nanoseconds", $0.pointee)] } ?? []
      } _: {
        guard let call = owner.call, let left = owner.inspector?.remaining(of: call.call) else {
          return host.pointee.remaining(handle, nanoseconds)
        }
        nanoseconds?.pointee = left
        return .ok
      }
    }
    api.sleep = { handle, nanoseconds in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .sleep, [.integer("nanoseconds", nanoseconds)]) {
        guard let call = owner.call, call.call.mayBlock,
          let status = owner.inspector?.sleep(call.call, nanoseconds: nanoseconds)
        else { return host.pointee.sleep(handle, nanoseconds) }
        return status
      }
    }
    api.progress = { handle, fraction, message in
      Inspected.use(
        Inspected.call(handle), .progress,
        [.number("fraction", fraction), .text("message", message)]
      ) {
        host.pointee.progress(handle, fraction, message)
      }
    }
  }

  private static func setAnswers(_ api: inout bridge_call_api) {
    api.result = { handle, value in
      Inspected.use(Inspected.call(handle), .result, [.value("value", value)]) {
        host.pointee.result(handle, value)
      }
    }
    api.give_result = { handle, value, release, context in
      let owner = Inspected.call(handle)
      return Inspected.use(
        owner, .giveResult, [.value("value", value)],
        // What is given is the host's, whatever is answered.
        refused: { _ = PluginMemory(of: owner.call?.instance, release, context) }
      ) {
        host.pointee.give_result(handle, value, release, context)
      }
    }
    api.give_binary = { handle, data, length, release, context in
      let owner = Inspected.call(handle)
      return Inspected.use(
        owner, .giveBinary, [.integer("length", Int64(clamping: length))],
        refused: { _ = PluginMemory(of: owner.call?.instance, release, context) }
      ) {
        host.pointee.give_binary(handle, data, length, release, context)
      }
    }
    api.annotate = { handle, key, value in
      Inspected.use(
        Inspected.call(handle), .annotate, [.text("key", key), .text("value", value)]
      ) {
        host.pointee.annotate(handle, key, value)
      }
    }
  }

  private static func setStream(_ api: inout bridge_call_api) {
    api.emit = { handle, chunk in
      Inspected.use(Inspected.call(handle), .emit, [.value("chunk", chunk)]) {
        host.pointee.emit(handle, chunk)
      }
    }
    api.wait_for_room = { handle in
      Inspected.use(Inspected.call(handle), .waitForRoom) { host.pointee.wait_for_room(handle) }
    }
  }

  private static func setFailures(_ api: inout bridge_call_api) {
    api.fail = { handle, error in
      Inspected.use(Inspected.call(handle), .fail, failure(error)) {
        host.pointee.fail(handle, error)
      }
    }
    api.last_error = { handle, error in
      Inspected.use(Inspected.call(handle), .lastError) {
        failure(UnsafePointer(error))
      } _: {
        host.pointee.last_error(handle, error)
      }
    }
    api.log = { handle, level, message in
      let owner = Inspected.call(handle)
      Inspected.tell(
        owner.inspector, .log, [.integer("level", Int64(level)), .text("message", message)],
        of: owner.call, isStale: owner.isStale
      ) { host.pointee.log(handle, level, message) }
    }
  }

  private static func setState(_ api: inout bridge_call_api) {
    api.state = { handle, state in
      Inspected.use(Inspected.call(handle), .state) { host.pointee.state(handle, state) }
    }
    api.keep_state = { handle, state, release, kept in
      Inspected.use(Inspected.call(handle), .keepState) {
        host.pointee.keep_state(handle, state, release, kept)
      }
    }
  }

  private static func setEnd(_ api: inout bridge_call_api) {
    api.retain = { handle, token in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .retain) {
        let status = host.pointee.retain(handle, token)
        if status == .ok { Inspected.note(token?.pointee, of: owner) }
        return status
      }
    }
    api.complete = { token, status in
      Inspected.use(Inspected.token(token), .complete, [.integer("status", Int64(status))]) {
        host.pointee.complete(token, status)
      }
    }
    api.on_cancel = { handle, callback, context, listener in
      let owner = Inspected.call(handle)
      return Inspected.use(owner, .onCancel) {
        let status = host.pointee.on_cancel(handle, callback, context, listener)
        if status == .ok { Inspected.note(listener?.pointee, of: owner) }
        return status
      }
    }
    api.forget = { listener in
      Inspected.use(Inspected.listener(listener), .forget) { host.pointee.forget(listener) }
    }
  }
}

private func failure(_ error: UnsafePointer<bridge_error>?) -> [HostArgument] {
  guard let error, error.pointee.size >= ABIStruct.Released.error else { return [] }
  return [
    .integer("code", Int64(error.pointee.code)), .text("message", error.pointee.message),
    .text("type", error.pointee.type),
  ]
}
