internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import FoundationEssentials
internal import GRPC
internal import NIOCore
internal import SwiftProtobuf
internal import Threads

/// A call of a tool of Elixir: it goes on there for as long as nobody ends it here.
final class ElixirCall: Sendable {
  private let call: ToolCall
  private let connection: ElixirConnection
  private let state = Locked(State())

  private struct State {
    var task: Task<Void, Never>?
    var listener: UInt64?
    var isOver = false
  }

  /// Of the header that Snakepit puts the id into that joins calls of one piece of work.
  private static let correlationHeader = "x-snakepit-correlation-id"

  init(_ call: ToolCall, _ connection: ElixirConnection) {
    self.call = call
    self.connection = connection
  }

  func begin() {
    let request: Snakepit_Bridge_ExecuteElixirToolRequest
    do {
      request = try makeRequest()
    } catch {
      let refusal = error as? SessionError
      return call.finish(
        .failure(ToolFailure(code: 3, message: refusal?.message ?? "\(error)", type: "invalid")))
    }
    let task = Task { finish(await run(request)) }
    state.withLock { $0.task = task }
    let listener = call.onCancel { [weak self] reason in self?.cancelled(reason) }
    let isOver = state.withLock { state in
      state.listener = listener
      return state.isOver
    }
    if isOver { call.removeListener(listener) }
  }

  private func cancelled(_ reason: ToolCall.Cancellation) {
    // The server is told; what it has begun is its own to end.
    state.withLock { $0.task }?.cancel()
    finish(.failure(ToolFailure(reason, tool: call.tool.name)))
  }

  private func finish(_ result: Result<ToolValue, ToolFailure>) {
    let listener = state.withLock { state in
      state.isOver = true
      return state.listener
    }
    call.removeListener(listener)
    call.finish(result)
  }

  // MARK: The request

  /// - Throws: `SessionError` for bytes, for which there is no field.
  private func makeRequest() throws -> Snakepit_Bridge_ExecuteElixirToolRequest {
    try .with { request in
      request.sessionID = call.services.sessionID
      request.toolName = call.tool.name
      for argument in call.arguments.entries {
        let json = try GivenArgument(name: argument.name, given: argument.value).json()
        request.parameters[argument.name] = .with {
          // The one that all versions of Elixir's server read as JSON.
          $0.typeURL = "type.googleapis.com/google.protobuf.StringValue"
          $0.value = Data(json)
        }
      }
      for entry in call.metadata.entries { request.metadata[entry.key] = entry.value }
    }
  }

  private var metadata: Metadata {
    var metadata = Metadata()
    if let id = call.metadata["correlation_id"],
      id.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    {
      metadata.add(id, for: Self.correlationHeader)
    }
    return metadata
  }

  private var timeout: TimeAmount? {
    call.request.deadline.map { .nanoseconds(max(1, $0 - MonotonicClock.now)) }
  }

  // MARK: The answer

  private func run(
    _ request: Snakepit_Bridge_ExecuteElixirToolRequest
  ) async -> Result<ToolValue, ToolFailure> {
    let answer: Snakepit_Bridge_ExecuteElixirToolResponse
    do throws(RPCError) {
      answer = try await connection.call(
        BridgeMethods.executeElixirTool, request, timeout: timeout, metadata: metadata)
    } catch {
      return .failure(failure(of: error))
    }
    guard answer.success else {
      return .failure(
        ToolFailure(code: 2, message: answer.errorMessage, type: "elixir_error"))
    }
    for (key, value) in answer.metadata { call.annotate(key, value) }
    guard let value = Self.value(of: answer.result) else {
      return .failure(
        ToolFailure(
          code: 13, message: "what Elixir's tool \(call.tool.name) has answered is not JSON",
          type: "elixir_error"))
    }
    guard !answer.binaryResult.isEmpty else { return .success(value) }
    let bytes = Array(answer.binaryResult)
    // An empty map says that there is nothing but the bytes.
    if value == .null || value == .json(Array("{}".utf8), .any) { return .success(.bytes(bytes)) }
    call.setBinaryResult(Blob(bytes))
    return .success(value)
  }

  private func failure(of error: RPCError) -> ToolFailure {
    if error.code == .deadlineExceeded || error.code == .cancelled,
      let reason = ToolCall.Cancellation(rawValue: error.code.rawValue)
    {
      return ToolFailure(reason, tool: call.tool.name)
    }
    return ToolFailure(
      code: error.code.rawValue, message: "\(call.tool.name): \(error.message)",
      type: error.code == .unavailable ? "elixir_gone" : "elixir_error")
  }

  /// - Returns: nil for what is neither JSON nor a packed wrapper.
  private static func value(of any: Google_Protobuf_Any) -> ToolValue? {
    var text = Array(any.value)
    if text.isEmpty { return .null }
    if case .wrapper(let kind)? = TypeURL(any.typeURL)?.content,
      let wrapper = text.withUnsafeBytes({ WrapperMessage($0, as: kind) }), let json = wrapper.json
    {
      text = json
    }
    if text == Array("null".utf8) { return .null }
    return (try? CheckedJSON.check(text, is: .any)).map { .json($0, .any) }
  }
}
