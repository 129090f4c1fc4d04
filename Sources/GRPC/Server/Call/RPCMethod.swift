/// One method of a service: its path and what runs when it is called.
///
/// Handlers come in three forms. `unary` answers at once, on the event loop, at the least cost.
/// `asyncUnary`, `serverStream`, `clientStream` and `bidirectional` are async functions that run in
/// tasks. `oneRequest` and `requestStream` make a `ServerCallHandler` for each call, which is told its
/// events on the event loop: for streams that cost as little as they can.
public struct RPCMethod: Sendable {
  /// Answers one request on the connection's event loop. It must not block.
  public typealias InlineHandler =
    @Sendable (_ request: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8]
  /// As `InlineHandler`, with an answer that is in parts.
  package typealias PartsHandler =
    @Sendable (_ request: [UInt8], _ call: ServerCall) throws(RPCError) -> MessageParts
  /// Makes the handler of a new call, on the connection's event loop.
  public typealias HandlerFactory =
    @Sendable (_ call: ServerCall) throws(RPCError) -> any ServerCallHandler

  enum Implementation: Sendable {
    case inline(InlineHandler)
    case inlineParts(PartsHandler)
    case handler(HandlerFactory)
  }

  /// `/package.Service/Method`.
  public let path: String
  let implementation: Implementation
  /// Whether exactly one request makes a call. Other counts are answered UNIMPLEMENTED.
  let takesOneRequest: Bool
  let ignoresDeadline: Bool
  private(set) var requestLimit = Int.max

  /// A unary method whose answer is at hand: it runs on the event loop and must not block.
  public static func unary(_ path: String, _ handler: @escaping InlineHandler) -> RPCMethod {
    RPCMethod(
      path: path, implementation: .inline(handler), takesOneRequest: true, ignoresDeadline: false)
  }

  /// The same with an answer whose bytes are in several arrays: large ones are not copied into one.
  package static func unaryInParts(_ path: String, _ handler: @escaping PartsHandler) -> RPCMethod {
    RPCMethod(
      path: path, implementation: .inlineParts(handler), takesOneRequest: true,
      ignoresDeadline: false)
  }

  /// This unary method, with answers that `deliver` hands to the call later, from any thread: for
  /// answers that are at hand but must not be given yet. It costs no task.
  ///
  /// - Precondition: It was made by `unary`.
  package func deliveringAnswers(
    _ deliver: @escaping @Sendable (_ answer: [UInt8], _ call: ServerCall) -> Void
  ) -> RPCMethod {
    guard case .inline(let handler) = implementation else {
      preconditionFailure("\(path) is not a unary method that answers at once")
    }
    return .oneRequest(path) { DeferredAnswer(call: $0, handler: handler, deliver: deliver) }
  }

  /// A method that takes one request and answers when and as often as it likes, by events on the
  /// event loop. `asyncUnary` and `serverStream` do the same with async functions.
  public static func oneRequest(_ path: String, _ factory: @escaping HandlerFactory) -> RPCMethod {
    RPCMethod(
      path: path, implementation: .handler(factory), takesOneRequest: true, ignoresDeadline: false)
  }

  /// The same for handlers that keep the client's deadline themselves, and answer before it: the call has
  /// none, but for `ServerCall.ignoredDeadline`.
  package static func ignoringDeadline(
    _ path: String, _ factory: @escaping HandlerFactory
  ) -> RPCMethod {
    RPCMethod(
      path: path, implementation: .handler(factory), takesOneRequest: true, ignoresDeadline: true)
  }

  /// A method that takes a stream of requests, by events on the event loop. `clientStream` and
  /// `bidirectional` do the same with async functions.
  ///
  /// - Parameter ignoresDeadline: For streams that are meant to outlive the timeout a client's
  ///   library attaches to every call.
  public static func requestStream(
    _ path: String, ignoresDeadline: Bool = false, _ factory: @escaping HandlerFactory
  ) -> RPCMethod {
    RPCMethod(
      path: path, implementation: .handler(factory), takesOneRequest: false,
      ignoresDeadline: ignoresDeadline)
  }

  /// The same method with a limit of its own on the size of a request.
  ///
  /// - Parameter bytes: Above `ServerLimits.messageSize`, that remains the limit.
  public func limitingRequests(to bytes: Int) -> RPCMethod {
    var method = self
    method.requestLimit = bytes
    return method
  }
}
