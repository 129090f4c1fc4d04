public import GRPC
public import SwiftProtobuf

/// The answer to a call that has one, as a message.
public struct MessageResponse<Response: Message>: Sendable {
  /// The response.
  public var message: Response
  /// What came before the message.
  public var metadata: Metadata
  /// What came after it.
  public var trailers: Metadata

  init(_ response: ClientResponse) throws(RPCError) {
    metadata = response.metadata
    do throws(RPCError) {
      message = try Response(response: response.message)
    } catch {
      var error = error
      error.headers = response.metadata
      throw error
    }
    trailers = response.trailers
  }
}

/// A call of many requests and one response, as messages. See `ClientStreamingCall`.
public struct ClientStreamingMessages<Request: Message, Response: Message>: Sendable {
  private let call: ClientStreamingCall

  init(_ call: ClientStreamingCall) { self.call = call }

  /// Where the requests go.
  public var requests: RequestMessageWriter<Request> { RequestMessageWriter(call.requests) }

  /// The metadata the response begins with. See `ClientStreamingCall.metadata`.
  public var metadata: Metadata {
    get async throws(RPCError) { try await call.metadata }
  }

  /// Waits for the response, which may come before the last request. A task that is cancelled
  /// meanwhile cancels the call.
  ///
  /// - Throws: As `ClientStreamingCall.response`; INTERNAL for a response that is not its message.
  public func response() async throws(RPCError) -> MessageResponse<Response> {
    try MessageResponse(await call.response())
  }
}

/// A call of many requests and many responses, as messages. See `BidirectionalCall`.
public struct BidirectionalMessages<Request: Message, Response: Message>: Sendable {
  /// Where the requests go. One task may write while another reads the responses.
  public let requests: RequestMessageWriter<Request>
  /// The responses as they come.
  public let responses: ResponseMessages<Response>

  init(_ call: BidirectionalCall) {
    requests = RequestMessageWriter(call.requests)
    responses = ResponseMessages(call.responses)
  }
}
