public import Logging
public import NIOCore
internal import NIOPosix

/// A client of one gRPC server.
///
/// It connects when the first call is made and keeps one connection. Calls beyond the number of
/// streams which the server permits wait for their turn. When there is no connection to be had,
/// calls fail with UNAVAILABLE and the reason, unless they wait for it; attempts to connect are
/// spaced out. A connection that the server retires (GOAWAY) keeps its calls; new ones go to a new
/// connection, and with them those that the server did not process.
///
/// Cancelling a task that waits for a call cancels the call. Thread-safe. A client that is let go
/// takes no more calls and closes when those that are open have ended.
public final class GRPCClient: Sendable {
  let dispatcher: CallDispatcher

  /// Makes a client that speaks plaintext (HTTP/2 by prior knowledge).
  ///
  /// - Parameter eventLoop: Which thread does the client's work; nil takes one that the process
  ///   shares.
  public init(
    target: ServerAddress, configuration: ClientConfiguration = ClientConfiguration(),
    eventLoop: (any EventLoop)? = nil, logger: Logger = GRPCClient.quiet
  ) {
    dispatcher = CallDispatcher(
      target: target, tls: nil, configuration: configuration,
      eventLoop: eventLoop ?? MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
  }

  /// Makes a client that speaks TLS; mutual TLS where `tls` has an identity and the server asks
  /// for one.
  ///
  /// The files are read here, once. What goes wrong in a handshake is the message of the UNAVAILABLE
  /// that calls end with.
  ///
  /// - Throws: When one of the files cannot be used, or the server's name is none.
  public init(
    target: ServerAddress, tls: TLSConfiguration,
    configuration: ClientConfiguration = ClientConfiguration(),
    eventLoop: (any EventLoop)? = nil, logger: Logger = GRPCClient.quiet
  ) throws(TransportError) {
    dispatcher = CallDispatcher(
      target: target, tls: try ClientTLS(tls, target: target, logger: logger),
      configuration: configuration,
      eventLoop: eventLoop ?? MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
  }

  /// A log that nobody reads.
  public static let quiet = Logger(label: "grpc") { _ in SwiftLogNoOpLogHandler() }

  deinit {
    let dispatcher = dispatcher
    dispatcher.eventLoop.execute { dispatcher.beginShutDown() }
  }

  /// The event loop that does the client's work.
  public var eventLoop: any EventLoop { dispatcher.eventLoop }

  /// Takes no more calls, waits for those that are open, and closes the connections.
  ///
  /// - Parameter grace: How long calls may take to finish. What is open after that ends with
  ///   UNAVAILABLE.
  public func shutDown(grace: TimeAmount = .seconds(5)) async {
    let done = eventLoop.makePromise(of: Void.self)
    let dispatcher = dispatcher
    eventLoop.execute { dispatcher.shutDown(grace: grace, done: done) }
    // It never fails.
    try? await done.futureResult.get()
  }

  // MARK: Calls

  /// Makes a call of one request and one response.
  ///
  /// - Parameter path: `/package.Service/Method`.
  /// - Throws: `RPCError`: the status the server answered, or one of this side's: UNAVAILABLE without
  ///   a connection, DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED for a response over the limit.
  ///   Its `headers` are what the response began with.
  public func unary(
    _ path: String, _ request: [UInt8], options: CallOptions = CallOptions()
  ) async throws(RPCError) -> ClientResponse {
    let call = makeCall(path, options, takesOneResponse: true)
    call.begin(with: request)
    return try await call.response()
  }

  /// Makes a call of one request and any number of responses.
  public func serverStream(
    _ path: String, _ request: [UInt8], options: CallOptions = CallOptions()
  ) -> ResponseStream {
    let call = makeCall(path, options, takesOneResponse: false)
    call.begin(with: request)
    return ResponseStream(handle: CallHandle(call))
  }

  /// Makes a call of any number of requests and one response.
  public func clientStream(
    _ path: String, options: CallOptions = CallOptions()
  ) -> ClientStreamingCall {
    let call = makeCall(path, options, takesOneResponse: true)
    call.begin()
    return ClientStreamingCall(handle: CallHandle(call))
  }

  /// Makes a call whose requests and responses go their own ways.
  public func bidirectional(
    _ path: String, options: CallOptions = CallOptions()
  ) -> BidirectionalCall {
    let call = makeCall(path, options, takesOneResponse: false)
    call.begin()
    let handle = CallHandle(call)
    return BidirectionalCall(
      requests: RequestStream(handle: handle), responses: ResponseStream(handle: handle))
  }

  private func makeCall(
    _ path: String, _ options: CallOptions, takesOneResponse: Bool
  ) -> ClientCall {
    ClientCall(
      path: path, options: options, takesOneResponse: takesOneResponse, dispatcher: dispatcher)
  }
}
