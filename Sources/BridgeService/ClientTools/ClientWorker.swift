internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import FoundationEssentials
internal import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf
internal import Threads

/// One worker of a client: the tools it has registered, the stream over which it serves them, and the calls
/// that it has.
///
/// Thread-safe.
final class ClientWorker: Sendable {
  let id: String
  private let session: String
  /// Who has registered it, and may serve it.
  private let client: UInt64
  private let state = Locked(State())

  private struct State {
    var stream: ServerCall?
    var hasRoom = true
    var calls: [Int64: ClientCall] = [:]
    var lastCall: Int64 = 0
    var tools: [String] = []
    var batches = 0
    var hasEnded = false

    mutating func takeCalls() -> [ClientCall] {
      defer { calls = [:] }
      return Array(calls.values)
    }
  }

  /// Calls that a worker has at once.
  static let callLimit = 10_000

  init(_ id: String, session: String, client: UInt64) {
    self.id = id
    self.session = session
    self.client = client
  }

  func check(_ client: UInt64) throws(RPCError) {
    guard client == self.client else {
      throw RPCError(
        .permissionDenied, "worker \"\(id)\" of session \(session) is another client's",
        reason: .permissionDenied)
    }
  }

  // MARK: Tools

  /// A number for the tools that are registered together.
  func nextBatch() -> Int {
    state.withLock { state in
      state.batches += 1
      return state.batches
    }
  }

  func registered(_ tools: [String]) { state.withLock { $0.tools += tools } }

  // MARK: The stream

  /// Serves over a stream from now on, in place of another one.
  ///
  /// - Returns: The tools there are; nil where the session has ended.
  func attach(_ stream: ServerCall) -> [String]? {
    let (tools, old, calls) = state.withLock { state -> ([String]?, ServerCall?, [ClientCall]) in
      if state.hasEnded { return (nil, nil, []) }
      let old = state.stream
      let calls = state.takeCalls()
      (state.stream, state.hasRoom) = (stream, true)
      return (state.tools.sorted(), old, calls)
    }
    old?.fail(
      RPCError(
        .aborted, "another stream serves the tools of worker \"\(id)\"",
        reason: .failedPrecondition))
    fail(calls)
    return tools
  }

  /// A stream has ended.
  func detach(_ stream: ServerCall) {
    let calls = state.withLock { state -> [ClientCall] in
      guard state.stream === stream else { return [] }
      state.stream = nil
      return state.takeCalls()
    }
    fail(calls)
  }

  func roomIsAvailable(in stream: ServerCall) {
    state.withLock { if $0.stream === stream { $0.hasRoom = true } }
  }

  /// The session has ended.
  func end() {
    let (stream, calls) = state.withLock { state -> (ServerCall?, [ClientCall]) in
      state.hasEnded = true
      defer { state.stream = nil }
      return (state.stream, state.takeCalls())
    }
    stream?.fail(
      RPCError(.notFound, "session \(session) has ended", reason: .sessionNotFound))
    fail(calls)
  }

  private func fail(_ calls: [ClientCall]) {
    for call in calls { call.finish(.failure(gone)) }
  }

  private var gone: ToolFailure {
    ToolFailure(
      code: 14, message: "worker \"\(id)\", which serves this tool, is not there",
      type: "client_gone", isRetryable: true)
  }

  // MARK: Calls

  /// Hands a call on.
  func run(_ call: ToolCall) {
    let new = ClientCall(call)
    enum Step {
      case sent
      case refused(ToolFailure)
    }
    let step = state.withLock { state -> Step in
      guard let stream = state.stream else { return .refused(gone) }
      guard state.hasRoom, state.calls.count < Self.callLimit else { return .refused(busy) }
      state.lastCall += 1
      let number = state.lastCall
      new.number = number
      state.calls[number] = new
      // Under the lock, so that nothing of the call goes out before it.
      state.hasRoom = Self.send({ $0.call = Self.message(number, call) }, to: stream)
      return .sent
    }
    switch step {
    case .sent: new.listen { [weak self, number = new.number] in self?.cancelled(number, $0) }
    case .refused(let failure): call.finish(.failure(failure))
    }
  }

  private var busy: ToolFailure {
    ToolFailure(
      code: 8,
      message: "worker \"\(id)\" does not keep up with its calls, of which it has "
        + "\(Self.callLimit) at most; try again later", type: "limit", isRetryable: true)
  }

  private static func message(
    _ number: Int64, _ call: ToolCall
  ) -> BridgeHost_V1_ServeToolsResponse.Call {
    .with { message in
      message.call = number
      message.tool = call.tool.name
      message.sessionID = call.services.sessionID
      message.stream = call.request.isStreaming
      if let deadline = call.request.deadline {
        message.timeoutMs = max(1, (deadline - MonotonicClock.now) / 1_000_000)
      }
      for entry in call.request.metadata.entries { message.metadata[entry.key] = entry.value }
      for argument in call.request.arguments.entries {
        if case .bytes(let bytes) = argument.value.owned {
          message.binaryParameters[argument.name] = Data(bytes)
        } else {
          let json = argument.value.wireJSON?.json ?? Array("null".utf8)
          message.parameters[argument.name] = Data(json)
        }
      }
    }
  }

  @discardableResult
  private static func send(
    _ body: (inout BridgeHost_V1_ServeToolsResponse) -> Void, to stream: ServerCall
  ) -> Bool {
    guard let bytes: [UInt8] = try? BridgeHost_V1_ServeToolsResponse.with(body).serializedBytes()
    else { return true }
    return stream.send(bytes)
  }

  private func cancelled(_ number: Int64, _ reason: ToolCall.Cancellation) {
    let (call, stream) = state.withLock { state in
      (state.calls.removeValue(forKey: number), state.stream)
    }
    guard let call else { return }
    if let stream {
      Self.send(
        {
          $0.cancel = .with {
            $0.call = number
            $0.deadlineExceeded = reason == .deadlineExceeded
          }
        }, to: stream)
    }
    call.finish(.failure(ToolFailure(reason, tool: call.call.tool.name)))
  }

  // MARK: What the client says

  func take(_ chunk: BridgeHost_V1_ServeToolsRequest.Chunk, from stream: ServerCall) {
    guard let call = call(chunk.call) else { return }
    let data = Array(chunk.data)
    let value = (try? CheckedJSON.check(data, is: .any)).map { ToolValue.json($0, .any) }
    switch call.call.emit(value ?? .bytes(data)) {
    case .taken:
      call.call.whenRoom {
        Self.send({ $0.room = .with { $0.call = chunk.call } }, to: stream)
      }
    case .full:
      finish(
        chunk.call,
        .failure(
          ToolFailure(
            code: 9,
            message:
              "worker \"\(id)\" has sent a chunk of \(call.call.tool.name) before there was room",
            type: "client_protocol")))
    case .cancelled, .finished: break
    }
  }

  func take(_ progress: BridgeHost_V1_ServeToolsRequest.Progress) {
    _ = call(progress.call)?.call.progress(progress.fraction, progress.message)
  }

  func take(_ result: BridgeHost_V1_ServeToolsRequest.Result) {
    guard let call = call(result.call) else { return }
    for (key, value) in result.metadata { call.call.annotate(key, value) }
    guard !result.hasFailure else {
      let failure = result.failure
      return finish(
        result.call,
        .failure(
          ToolFailure(
            code: (1...16).contains(failure.code) ? failure.code : 2,
            message: failure.message.isEmpty
              ? "\(call.call.tool.name) has failed" : failure.message,
            type: failure.type.isEmpty ? "tool_error" : failure.type,
            isRetryable: failure.retryable)))
    }
    if !result.binaryValue.isEmpty { call.call.setBinaryResult(Blob(Array(result.binaryValue))) }
    guard !result.value.isEmpty else { return finish(result.call, .success(.null)) }
    do {
      let json = try CheckedJSON.check(Array(result.value), is: .any)
      finish(result.call, .success(.json(json, .any)))
    } catch {
      finish(
        result.call,
        .failure(
          ToolFailure(
            code: 13, message: "worker \"\(id)\" has answered \(call.call.tool.name) with \(error)",
            type: "client_protocol")))
    }
  }

  private func call(_ number: Int64) -> ClientCall? { state.withLock { $0.calls[number] } }

  private func finish(_ number: Int64, _ result: Result<ToolValue, ToolFailure>) {
    state.withLock { $0.calls.removeValue(forKey: number) }?.finish(result)
  }
}

/// A call that a client has.
// @unchecked: `number` is written before anybody else knows the call.
private final class ClientCall: @unchecked Sendable {
  let call: ToolCall
  var number: Int64 = 0
  private let listener = Locked((number: UInt64?.none, isOver: false))

  init(_ call: ToolCall) { self.call = call }

  /// Has this hear of the call's cancellation.
  func listen(_ body: @escaping @Sendable (ToolCall.Cancellation) -> Void) {
    let number = call.onCancel(body)
    let isOver = listener.withLock { listener in
      listener.number = number
      return listener.isOver
    }
    if isOver { call.removeListener(number) }
  }

  func finish(_ result: Result<ToolValue, ToolFailure>) {
    let number = listener.withLock { listener in
      listener.isOver = true
      return listener.number
    }
    call.removeListener(number)
    call.finish(result)
  }
}
