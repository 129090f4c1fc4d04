internal import BridgeProtocol
internal import Threads
internal import BridgeSessions
internal import BridgeTools
internal import GRPC
internal import Logging
internal import NIOCore

/// One ExecuteTool call: runs a tool and answers with its outcome. ExecuteElixirTool is another.
// @unchecked: `request` and `running` belong to the event loop until the tool runs; `finished`
// comes after, once. `deadlineTimer` is set before the tool runs.
final class ToolExecution: ServerCallHandler, ToolStarter, ToolCallObserver, @unchecked Sendable {
  private let service: BridgeService
  private let call: ServerCall
  @exclusivity(unchecked) private var running: ToolCall?
  @exclusivity(unchecked) private var request: ToolRequest?
  @exclusivity(unchecked) private var startedAt: Int64 = 0
  @exclusivity(unchecked) private var deadlineTimer: Scheduled<Void>?
  /// When the call is answered in any case, where no status may end it.
  @exclusivity(unchecked) private var lastMoment: NIODeadline?
  private let style: AnswerStyle

  init(service: BridgeService, call: ServerCall, style: AnswerStyle) {
    self.service = service
    self.call = call
    self.style = style
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    if style.failsInAnswers { keepDeadline() }
    do throws(RPCError) {
      let message = try ExecuteToolRequest(request: bytes)
      try service.read(message, of: bytes.count, for: call, self)
    } catch {
      guard style.failsInAnswers, !call.isOffloading else { throw error }
      refuse(error)
    }
  }

  func refuse(_ error: RPCError) {
    guard style.failsInAnswers else { return call.fail(error) }
    finished(ToolOutcome(.failure(ToolFailure(refusal: error))))
  }

  // MARK: The deadline, where it must not end the call

  /// The part of the client's time that is left for the answer to reach it, and the most and least of it.
  private static let answerShare: Int64 = 10
  private static let answerTime = (
    least: TimeAmount.milliseconds(5), most: TimeAmount.milliseconds(500)
  )

  private func keepDeadline() {
    guard let deadline = call.ignoredDeadline else { return }
    let share = TimeAmount.nanoseconds((deadline - .now()).nanoseconds / Self.answerShare)
    let moment = deadline - min(max(share, Self.answerTime.least), Self.answerTime.most)
    lastMoment = moment
    deadlineTimer = call.eventLoop.scheduleTask(deadline: moment) { [weak self] in
      self?.runOutOfTime()
    }
  }

  private func runOutOfTime() {
    guard !call.isClosed else { return }
    running?.cancel(.deadlineExceeded)
    let tool = request?.tool.description.name ?? "the tool"
    finished(ToolOutcome(.failure(ToolFailure(.deadlineExceeded, tool: tool))))
  }

  func begin(_ request: ToolRequest) throws {
    self.request = request
    startedAt = MonotonicClock.now
    running = try service.start(
      request, for: call, deadline: call.deadline ?? lastMoment, isStreaming: false,
      observer: self)
  }

  func cancelled(_ reason: RPCError) {
    deadlineTimer?.cancel()
    running?.cancel(reason.code == .deadlineExceeded ? .deadlineExceeded : .cancelled)
  }

  func emitted(_ chunk: ToolValue) -> Bool { true }

  func progressed(_ fraction: Double, _ message: String) {
    service.logger.debug(
      "progress",
      metadata: [
        "tool": "\(request?.tool.description.name ?? "")", "fraction": "\(fraction)",
        "message": "\(message)",
      ])
  }

  func finished(_ outcome: ToolOutcome) {
    if case .failure(let failure) = outcome.result {
      service.log(failure, of: request, session: request?.session.id)
    }
    // Nobody waits any more for what may take long to encode.
    if call.isClosed { return }
    deadlineTimer?.cancel()
    outcome.announceSize(to: call)
    // One that was refused did not run.
    let milliseconds = request == nil ? 0 : (MonotonicClock.now - startedAt) / 1_000_000
    // Most tools answer a value that is not large.
    if case .success(.value(let value, let type)) = outcome.result, outcome.binaryResult == nil,
      !asksForBytes(value)
    {
      return call.respond(
        ExecuteToolResponse.encode(
          value, as: type, form: form, metadata: outcome.metadata,
          milliseconds: milliseconds))
    }
    var response = ExecuteToolResponse()
    response.milliseconds = milliseconds
    response.metadata = outcome.metadata
    switch outcome.result {
    case .success(let value):
      response.isSuccess = true
      return call.respond(encode(value, outcome.binaryResult, in: &response))
    case .failure(let failure):
      response.errorMessage = style.text(of: failure)
      response.metadata = response.metadata.merging(under: VariableMetadata(failure.wireMetadata))
    }
    call.respond(response.encode())
  }

  private var form: WireForm { request?.form ?? [] }

  /// What stands for a result that there is not.
  private var noResult: (typeURL: String, json: [UInt8])? {
    style.alwaysHasResult ? AnswerStyle.nullResult : nil
  }

  /// Whether the value is one that the client may have asked for as bytes, and it has.
  private func asksForBytes(_ value: Value) -> Bool {
    guard case .array(let array) = value, array.bytes.count > Variable.binaryThreshold else {
      return false
    }
    return call.binaryAcceptance != .none
  }

  /// The answer of a tool that has succeeded. What tools give away is copied into it, and nowhere else.
  private func encode(
    _ value: ToolValue, _ binary: Blob?, in response: inout ExecuteToolResponse
  ) -> [UInt8] {
    if let binary, binary.count > 0 {
      response.result = value.owned.wire(form: form) ?? noResult
      return binary.withUnsafeBytes { response.encode(binary: $0) }
    }
    switch value {
    case .bytes(let bytes):
      response.result = noResult
      response.binaryResult = bytes
    case .donated(let donated): return encode(donated, in: &response)
    default: write(value, to: &response)
    }
    return response.encode()
  }

  private func encode(_ value: DonatedValue, in response: inout ExecuteToolResponse) -> [UInt8] {
    switch value.content {
    case .bytes:
      response.result = noResult
      return value.memory.withUnsafeBytes { response.encode(binary: $0) }
    case .json(let type):
      if let url = value.typeURL(of: type, form: form) {
        response.result = (url, [])
        return value.memory.withUnsafeBytes { response.encode(json: $0) }
      }
    case .numbers(let type, let shape, let element):
      if value.memory.count > Variable.binaryThreshold,
        case .format(.raw) = call.binaryAcceptance
      {
        response.result = (
          TypeURL.url(for: type, form: form, binary: true),
          NumericArray.binaryMetadata(shape: shape, elementType: element, type: type)
        )
        return value.memory.withUnsafeBytes { response.encode(binary: $0) }
      }
    }
    write(value.copy, to: &response)
    return response.encode()
  }

  private func write(_ value: ToolValue, to response: inout ExecuteToolResponse) {
    if case .value(.array(let array), let type) = value,
      array.bytes.count > Variable.binaryThreshold,
      case .format(let format) = call.binaryAcceptance
    {
      response.result = (
        TypeURL.url(for: type, form: form, binary: true),
        array.binaryMetadata(type: type, format: format)
      )
      response.binaryResult = array.binary(format, nested: array.isNested)
    } else {
      response.result = value.wire(form: form) ?? noResult
    }
  }
}

extension ToolOutcome {
  /// Bytes of an outcome that takes long to encode.
  private static let announcedFrom = 64 * 1024

  /// Says how long the response will be, before it is encoded.
  func announceSize(to call: ServerCall) {
    if size > Self.announcedFrom { call.announce(responseBytes: size) }
  }

  /// About how many bytes there are to encode.
  private var size: Int {
    let blob = binaryResult?.count ?? 0
    return switch result {
    case .success(.bytes(let bytes)), .success(.json(let bytes, _)): blob + bytes.count
    case .success(.value(.string(let text), _)): blob + text.utf8.count
    case .success(.value(.array(let array), _)): blob + array.bytes.count
    case .success, .failure: blob
    }
  }
}

/// An event loop, as those see it who run tools.
private struct EventLoopTurns: TurnTaker {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  var id: ObjectIdentifier { ObjectIdentifier(eventLoop) }

  func atEndOfTurn(_ body: @escaping @Sendable () -> Void) { eventLoop.execute(body) }
}

extension BridgeService {
  func start(
    _ request: ToolRequest, for call: ServerCall, deadline: NIODeadline?, isStreaming: Bool,
    observer: any ToolCallObserver
  ) throws -> ToolCall {
    // A deadline of the event loop's clock and one of MonotonicClock are the same number.
    try tools.start(
      request.tool,
      ToolCall.Request(
        arguments: request.arguments, metadata: request.metadata,
        deadline: deadline.map { Int64($0.uptimeNanoseconds) }, isStreaming: isStreaming,
        client: request.client),
      in: request.session, onEventLoop: true, turn: EventLoopTurns(call.eventLoop),
      observer: observer)
  }

  func log(_ failure: ToolFailure, of request: ToolRequest?, session: String?) {
    logger.info(
      "tool failed",
      metadata: [
        "tool": "\(request?.tool.description.name ?? "")", "session": "\(session ?? "")",
        "error": "\(failure.message)",
        "correlation_id": "\(request?.metadata["correlation_id"] ?? "")",
      ])
  }
}

extension ToolFailure {
  /// The failure's facts, for programs.
  var wireMetadata: [String: String] {
    var metadata = [
      "error_type": type, "error_code": "\(code)", "retryable": isRetryable ? "true" : "false",
    ]
    if !details.isEmpty { metadata["error_details"] = details }
    return metadata
  }

  /// The failure as the end of a stream.
  var rpcError: RPCError {
    let status = StatusCode(rawValue: code) ?? .unknown
    let text = message.shortened(to: 1024)
    return RPCError(
      status == .ok ? .unknown : status, text,
      reasonText: type.shortened(to: 256).uppercased(),
      metadata: wireMetadata.mapValues { $0.shortened(to: 512) }, isTransient: isRetryable)
  }
}
