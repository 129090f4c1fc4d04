internal import ConformanceSupport
internal import GRPC
internal import NIOCore
internal import SwiftProtobuf

/// One call as a request of the suite describes it.
struct SuiteCall {
  private let client: GRPCClient
  private let path: String
  private let streamType: Connectrpc_Conformance_V1_StreamType
  private let requests: [[UInt8]]
  private let delay: Duration
  private let options: CallOptions
  private let cancelling: Cancelling

  /// When the call is cancelled.
  private enum Cancelling: Equatable {
    case never
    /// Instead of ending the requests.
    case beforeEnd
    /// So long after the requests have ended.
    case afterEnd(Duration)
    case afterResponses(Int)
  }

  init(_ request: Suite.Request, client: GRPCClient) throws {
    guard request.service == "connectrpc.conformance.v1.ConformanceService" else {
      throw Unsupported(description: "there is no service \"\(request.service)\"")
    }
    self.client = client
    path = "/\(request.service)/\(request.method)"
    streamType = request.streamType
    // As they are: what they say beyond this program's messages is for the server.
    requests = request.requestMessages.map { Array($0.value) }
    delay = .milliseconds(request.requestDelayMs)
    var options = CallOptions(
      timeout: request.hasTimeoutMs ? .milliseconds(Int64(request.timeoutMs)) : nil,
      compressionThreshold: request.compression == .gzip ? 0 : nil)
    for header in request.requestHeaders {
      for value in header.value { options.metadata.add(wireValue: value, for: header.name) }
    }
    self.options = options
    cancelling =
      switch request.cancel.cancelTiming {
      case .beforeCloseSend: .beforeEnd
      case .afterCloseSendMs(let milliseconds): .afterEnd(.milliseconds(milliseconds))
      case .afterNumResponses(let count): .afterResponses(Int(count))
      case nil: request.hasCancel ? .afterEnd(.zero) : .never
      }
  }

  /// Makes the call.
  ///
  /// - Throws: When the request describes none.
  func make() async throws -> Suite.Result {
    switch streamType {
    case .unary: await unary(try onlyRequest())
    case .serverStream: await serverStream(try onlyRequest())
    case .clientStream: try await clientStream()
    case .halfDuplexBidiStream: try await bidirectional(isFullDuplex: false)
    case .fullDuplexBidiStream: try await bidirectional(isFullDuplex: true)
    default: throw Unsupported(description: "there is no stream type \(streamType)")
    }
  }

  private func onlyRequest() throws -> [UInt8] {
    guard requests.count == 1 else {
      throw Unsupported(description: "such a call takes one request, not \(requests.count)")
    }
    return requests[0]
  }

  // MARK: The kinds of calls

  private func unary(_ request: [UInt8]) async -> Suite.Result {
    let (client, path, options) = (client, path, options)
    return await response { () async throws(RPCError) in
      try await client.unary(path, request, options: options)
    }
  }

  private func clientStream() async throws -> Suite.Result {
    let call = client.clientStream(path, options: options)
    var unsent = 0
    for (index, request) in requests.enumerated() {
      try await Task.sleep(for: delay)
      guard await call.requests.send(request) else {
        unsent = requests.count - index
        break
      }
    }
    if cancelling == .beforeEnd { call.requests.cancel() } else { call.requests.finish() }
    var result = await response { () async throws(RPCError) in try await call.response() }
    result.numUnsentRequests = Int32(unsent)
    return result
  }

  /// Waits for the only response, and cancels while it waits if that is wanted.
  private func response(
    _ wait: @escaping @Sendable () async throws(RPCError) -> ClientResponse
  ) async -> Suite.Result {
    let task = Task { () async -> Swift.Result<ClientResponse, RPCError> in
      do throws(RPCError) {
        return .success(try await wait())
      } catch {
        return .failure(error)
      }
    }
    if case .afterEnd(let delay) = cancelling {
      try? await Task.sleep(for: delay)
      task.cancel()
    }
    var result = Suite.Result()
    switch await task.value {
    case .success(let response):
      result.add(response.message)
      result.responseHeaders = response.metadata.suiteHeaders
      result.responseTrailers = response.trailers.suiteHeaders
    case .failure(let error): result.add(error)
    }
    return result
  }

  private func serverStream(_ request: [UInt8]) async -> Suite.Result {
    let responses = client.serverStream(path, request, options: options)
    if case .afterEnd(let delay) = cancelling {
      try? await Task.sleep(for: delay)
      responses.cancel()
    }
    var result = Suite.Result()
    await read(responses, responses.makeAsyncIterator(), into: &result)
    return result
  }

  private func bidirectional(isFullDuplex: Bool) async throws -> Suite.Result {
    let call = client.bidirectional(path, options: options)
    let responses = call.responses.makeAsyncIterator()
    var result = Suite.Result()
    for (index, request) in requests.enumerated() {
      try await Task.sleep(for: delay)
      guard await call.requests.send(request) else {
        result.numUnsentRequests = Int32(requests.count - index)
        break
      }
      // The end, if it comes here, is read again below.
      if isFullDuplex, let response = try? await responses.next() {
        received(response, call.responses, &result)
      }
    }
    if cancelling == .beforeEnd { call.requests.cancel() } else { call.requests.finish() }
    if case .afterEnd(let delay) = cancelling {
      try? await Task.sleep(for: delay)
      call.requests.cancel()
    }
    await read(call.responses, responses, into: &result)
    return result
  }

  // MARK: Responses

  /// Reads what is left, and how the call ended.
  private func read(
    _ stream: ResponseStream, _ responses: ResponseStream.AsyncIterator,
    into result: inout Suite.Result
  ) async {
    do throws(RPCError) {
      while let response = try await responses.next() { received(response, stream, &result) }
      result.responseHeaders = try await stream.metadata.suiteHeaders
      result.responseTrailers = try await stream.trailers.suiteHeaders
    } catch {
      result.add(error)
    }
  }

  private func received(
    _ response: [UInt8], _ stream: ResponseStream, _ result: inout Suite.Result
  ) {
    result.add(response)
    if cancelling == .afterResponses(result.payloads.count) { stream.cancel() }
  }
}

extension Suite.Result {
  fileprivate mutating func add(_ response: [UInt8]) {
    // What is not well-formed is told as an empty payload, which the suite does not expect.
    payloads.append((try? Suite.AnyResponse(serializedBytes: response))?.payload ?? .init())
  }

  fileprivate mutating func add(_ failure: RPCError) {
    responseHeaders = failure.headers.suiteHeaders
    responseTrailers = failure.metadata.suiteHeaders
    error.code = failure.code.rawValue
    error.message = failure.message
    let status = try? Google_Rpc_Status(serializedBytes: failure.details)
    error.details = status?.details ?? []
  }
}

extension Metadata {
  /// Each key once, in the order they came.
  fileprivate var suiteHeaders: [Suite.Header] {
    var headers: [Suite.Header] = []
    for entry in entries where !headers.contains(where: { $0.name == entry.key }) {
      headers.append(
        .with {
          $0.name = entry.key
          $0.value = values(for: entry.key)
        })
    }
    return headers
  }
}
