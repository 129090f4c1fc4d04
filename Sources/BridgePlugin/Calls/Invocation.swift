internal import BridgePluginABI

/// A call of another tool.
struct Invocation: Sendable {
  private let api: CallAPI
  private let handle: Handle
  private let receiver: Unmanaged<Receiver>

  private final class Receiver: Sendable {
    let onChunk: (@Sendable (ToolValue) throws -> Void)?
    let onEnd: (@Sendable () -> Void)?

    init(
      onChunk: (@Sendable (ToolValue) throws -> Void)?, onEnd: (@Sendable () -> Void)?
    ) {
      self.onChunk = onChunk
      self.onEnd = onEnd
    }
  }

  /// Starts the call.
  init(
    _ tool: String, _ arguments: KeyValuePairs<String, any ToolValueConvertible>,
    _ metadata: [String: String], _ timeout: Duration?, _ api: CallAPI,
    onChunk: (@Sendable (ToolValue) throws -> Void)?, onEnd: (@Sendable () -> Void)?
  ) throws(ToolError) {
    var arena = Arena()
    defer { arena.free() }
    let views = arguments.map { name, value in
      bridge_argument(name: arena.view(name), value: arena.value(value.toolValue))
    }
    let receiver = Unmanaged.passRetained(Receiver(onChunk: onChunk, onEnd: onEnd))
    var request = bridge_request()
    request.size = UInt32(MemoryLayout<bridge_request>.size)
    request.tool = arena.view(tool)
    request.arguments = arena.place(views)
    request.argument_count = views.count
    (request.metadata, request.metadata_count) = arena.pairs(metadata)
    // 0 stands for no timeout.
    request.timeout = timeout.map { max(1, $0.wholeNanoseconds) } ?? 0
    if onChunk != nil {
      request.on_chunk = { context, chunk in
        guard let context, let chunk, let value = ToolValue(chunk) else {
          return Status.internalError
        }
        let receiver = Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue()
        do {
          try receiver.onChunk?(value)
          return Status.ok
        } catch {
          return ToolError(error).code.status
        }
      }
    }
    if onEnd != nil {
      request.on_end = { context, _ in
        guard let context else { return }
        Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue().onEnd?()
      }
    }
    request.context = receiver.toOpaque()
    var invocation: OpaquePointer?
    let status = api.toolsTable.invoke!(api.call.pointer, &request, &invocation)
    guard status == Status.ok, let invocation else {
      receiver.release()
      throw api.error(status == Status.ok ? Status.internalError : status)
    }
    self.api = api
    self.receiver = receiver
    handle = Handle(pointer: invocation)
  }

  /// Waits for the answer.
  func reply() throws(ToolError) -> ToolReply {
    var outcome = bridge_outcome()
    outcome.size = UInt32(MemoryLayout<bridge_outcome>.size)
    try api.checkCancellation(api.toolsTable.outcome!(handle.pointer, &outcome))
    guard outcome.status == Status.ok else {
      guard let error = outcome.error else {
        throw ToolError(
          ToolError.Code(rawValue: outcome.status), "the tool failed with status \(outcome.status)")
      }
      throw ToolError(told(error))
    }
    guard let value = ToolValue(&outcome.value) else {
      throw ToolError(.internalError, "the host handed over a malformed result")
    }
    return ToolReply(
      value: value, binary: Bytes(Array(outcome.binary.bytes)),
      metadata: dictionary(outcome.metadata, outcome.metadata_count))
  }

  /// Ends with it. After this returns no callback of it runs.
  func drop() {
    _ = api.toolsTable.drop!(handle.pointer)
    receiver.release()
  }
}

extension Duration {
  /// Whole nanoseconds, not below 0; as many as there can be for what is more.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? 0 : .max }
    let (sum, isTooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isTooMuch ? .max : max(0, sum)
  }
}
