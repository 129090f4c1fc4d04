internal import BridgeProtocol
internal import GRPC
internal import GRPCProtobuf
internal import NIOCore
internal import SwiftProtobuf

/// A running host as the commands see it: messages of the bridge protocol in and out.
struct HostClient: Sendable {
  let client: GRPCClient
  /// Of every call.
  let metadata: Metadata
  /// Whether calls wait for a host that cannot be reached.
  let waits: Bool
  /// In seconds.
  let timeout: Double?
  /// How often a call that changes nothing is made while it answers UNAVAILABLE.
  let attempts: Int
  /// See `CallOptions`.
  let compressionThreshold: Int?

  private static let usualTimeout = 30.0

  /// Calls a method that changes nothing.
  func read<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request
  ) async throws -> Response {
    let options = options(timeout ?? Self.usualTimeout, attempts: attempts)
    return try await client.unary(method, request, options: options).message
  }

  /// Calls a method that changes something.
  ///
  /// - Parameter unbounded: Without a timeout of the user's it takes as long as it takes.
  func act<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request, unbounded: Bool = false
  ) async throws -> Response {
    let options = options(timeout ?? (unbounded ? nil : Self.usualTimeout))
    return try await client.unary(method, request, options: options).message
  }

  /// Calls a method that streams; `body` says whether it wants more.
  func stream<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ request: Request,
    _ body: (Response) throws -> Bool
  ) async throws {
    let responses = try client.serverStream(method, request, options: options(timeout))
    for try await message in responses {
      guard try body(message) else { return responses.cancel() }
    }
  }

  /// Calls a method that takes a stream of requests.
  func send<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>, _ requests: some Sequence<Request>
  ) async throws -> Response {
    let call = client.clientStream(method, options: options(timeout))
    for request in requests {
      // The call has ended: its response says why.
      guard try await call.requests.send(request) else { break }
    }
    call.requests.finish()
    return try await call.response().message
  }

  private func options(_ seconds: Double?, attempts: Int = 1) -> CallOptions {
    CallOptions(
      metadata: metadata, timeout: seconds.map { .nanoseconds(Int64($0 * 1e9)) },
      waitsForReady: waits, retries: RetryPolicy(maxAttempts: attempts),
      compressionThreshold: compressionThreshold)
  }
}
