internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import FoundationEssentials
internal import GRPC
internal import JSON
internal import Threads
internal import SwiftProtobuf

/// One ExecuteStreamingTool call: runs a tool and streams what it emits.
// @unchecked: `request` and `running` belong to the event loop until the tool runs.
final class ToolStream: ServerCallHandler, ToolStarter, ToolCallObserver, @unchecked Sendable {
  private let service: BridgeService
  private let call: ServerCall
  private var running: ToolCall?
  private var request: ToolRequest?
  private var sendsProgress = false

  private struct Progress {
    var nextChunk = 0
    var hasRoom = true
    var last: (fraction: Double, message: String)?
  }

  /// Held while a chunk is sent, so that chunks of several threads go out in the order of their
  /// ids.
  private let progress = Locked(Progress())

  init(service: BridgeService, call: ServerCall) {
    self.service = service
    self.call = call
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let message = try ExecuteToolRequest(request: bytes)
    sendsProgress = message.includesProgress
    try service.read(message, of: bytes.count, for: call, self)
  }

  func begin(_ request: ToolRequest) throws {
    self.request = request
    // Clients hand the stream to their caller when the headers come.
    call.start()
    running = try service.start(
      request, for: call, deadline: call.deadline, isStreaming: true, observer: self)
  }

  func refuse(_ error: RPCError) { call.fail(error) }

  func cancelled(_ reason: RPCError) {
    running?.cancel(reason.code == .deadlineExceeded ? .deadlineExceeded : .cancelled)
  }

  func writable() {
    progress.withLock { $0.hasRoom = true }
    running?.roomIsAvailable()
  }

  func emitted(_ chunk: ToolValue) -> Bool {
    send { $0.data = data(of: chunk) }
  }

  func progressed(_ fraction: Double, _ message: String) {
    let hasRoom = progress.withLock { progress in
      progress.last = (fraction, message)
      return progress.hasRoom
    }
    // To a slow client the next chunk says it.
    if sendsProgress && hasRoom { send { _ in } }
  }

  func finished(_ outcome: ToolOutcome) {
    switch outcome.result {
    case .success(let value):
      // Nobody waits any more for what may take long to encode.
      if call.isClosed { return }
      outcome.announceSize(to: call)
      if !endsWithResult, outcome.binaryResult != nil || value != .null {
        send { $0.data = result(value, outcome.binaryResult) }
      }
      send(metadata: outcome.metadata) {
        $0.isFinal = true
        if endsWithResult { $0.data = result(value, outcome.binaryResult) }
      }
      call.finish()
    case .failure(let failure):
      service.log(failure, of: request, session: request?.session.id)
      call.fail(failure.rpcError)
    }
  }

  @discardableResult
  private func send(
    metadata: VariableMetadata = [:], _ body: (inout Snakepit_Bridge_ToolChunk) -> Void
  ) -> Bool {
    progress.withLock { progress in
      let chunk = Snakepit_Bridge_ToolChunk.with {
        $0.chunkID = String(progress.nextChunk)
        if let last = progress.last {
          $0.progress = last.fraction
          $0.progressMessage = last.message
        }
        body(&$0)
      }
      progress.nextChunk += 1
      guard let bytes: [UInt8] = try? chunk.serializedBytes() else { return true }
      progress.hasRoom = call.send(
        metadata.isEmpty ? bytes : bytes + metadata.bytes(field: 4))
      return progress.hasRoom
    }
  }

  /// The bytes where they are.
  private static func data(of blob: Blob) -> Data {
    blob.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return Data() }
      return Data(
        bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count,
        deallocator: .custom { _, _ in withExtendedLifetime(blob) {} })
    }
  }

  /// See `AnswerStyle`.
  private var endsWithResult: Bool { service.configuration.answers.endsStreamsWithResult }

  private func result(_ value: ToolValue, _ binary: Blob?) -> Data {
    guard let binary else { return data(of: value) }
    return endsWithResult ? Self.data(of: binary) : data(of: .bytes(binary.bytes))
  }

  private func data(of value: ToolValue) -> Data {
    if endsWithResult { return Self.data(of: value) }
    if case .bytes(let bytes) = value.owned {
      // With padding, which gRPC's own texts leave out.
      var base64 = Base64.encode(bytes)
      base64 += String(repeating: "=", count: (3 - bytes.count % 3) % 3)
      let text = JSON.object([.init(key: "raw_data_base64", value: .string(base64))]).text
      return Data(text.utf8)
    }
    let data = Self.data(of: value)
    return data.isEmpty ? Data("null".utf8) : data
  }

  private static func data(of value: ToolValue) -> Data {
    switch value {
    case .bytes(let bytes): return .init(bytes)
    case .donated(let donated):
      if case .numbers = donated.content { break }
      return data(of: donated.memory)
    default: break
    }
    return .init(value.wireJSON?.json ?? [])
  }
}
