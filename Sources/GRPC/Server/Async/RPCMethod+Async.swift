/// Methods whose handlers are async functions: for all that waits, computes for long, or is simply
/// easier to write as a task.
///
/// Each call runs its handler in a task of its own, not on an event loop, so a handler may take as
/// long as it likes; like any task, it must not block its thread. The task is cancelled when the
/// call ends before the handler has: the client cancelled it or is gone, its deadline passed, or the
/// server shuts down. Until the task has returned, the call counts among
/// `ServerLimits.concurrentStreams`.
///
/// What a handler throws is the status that the client gets: an `RPCError` as it is, anything else as
/// UNKNOWN without its text, which goes to the server's log at level error.
///
/// `unary` is for answers that are at hand: it is several times as cheap, and must not wait.
extension RPCMethod {
  /// A method of one request and one response.
  public static func asyncUnary(
    _ path: String,
    _ handler:
      @escaping @Sendable (_ request: [UInt8], _ call: CallContext) async throws -> [UInt8]
  ) -> RPCMethod {
    .oneRequest(path) { call in
      TaskHandler(call) { request, call in try await handler(request, CallContext(call)) }
    }
  }

  /// A method of one request and any number of responses.
  ///
  /// The call ends well when the handler returns.
  public static func serverStream(
    _ path: String,
    _ handler:
      @escaping @Sendable (_ request: [UInt8], _ responses: ResponseWriter, _ call: CallContext)
      async throws -> Void
  ) -> RPCMethod {
    .oneRequest(path) { call in
      TaskHandler(call) { request, call in
        try await handler(request, ResponseWriter(call), CallContext(call))
        return nil
      }
    }
  }

  /// A method of any number of requests and one response.
  ///
  /// The handler begins with the call, before the first request. It may return before the last: the
  /// client is then told to send no more.
  public static func clientStream(
    _ path: String,
    _ handler:
      @escaping @Sendable (_ requests: IncomingRequests, _ call: CallContext) async throws ->
      [UInt8]
  ) -> RPCMethod {
    .requestStream(path) { call in
      TaskHandler(call) { call in try await handler(IncomingRequests(call), CallContext(call)) }
    }
  }

  /// A method whose requests and responses go their own ways.
  ///
  /// The handler begins with the call, before the first request. The call ends well when it returns,
  /// which may be before the last request.
  public static func bidirectional(
    _ path: String,
    _ handler:
      @escaping @Sendable (
        _ requests: IncomingRequests, _ responses: ResponseWriter, _ call: CallContext
      ) async throws -> Void
  ) -> RPCMethod {
    .requestStream(path) { call in
      TaskHandler(call) { call in
        try await handler(IncomingRequests(call), ResponseWriter(call), CallContext(call))
        return nil
      }
    }
  }
}
