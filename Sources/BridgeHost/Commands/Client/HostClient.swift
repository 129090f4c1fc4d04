import BridgeProtocol
import GRPC
import NIOCore
import SwiftProtobuf

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
  func read<Response: Message>(
    _ method: String, _ request: some Message, _: Response.Type
  ) async throws -> Response {
    try await call(method, request, options(timeout ?? Self.usualTimeout, attempts: attempts))
  }

  /// Calls a method that changes something.
  func act<Response: Message>(
    _ method: String, _ request: some Message, _: Response.Type, unbounded: Bool = false
  ) async throws -> Response {
    try await call(
      method, request, options(timeout ?? (unbounded ? nil : Self.usualTimeout)))
  }

  private func call<Response: Message>(
    _ method: String, _ request: some Message, _ options: CallOptions
  ) async throws -> Response {
    let answer = try await client.unary(
      Self.path(method), request.serializedBytes(), options: options)
    return try Self.decode(answer.message)
  }

  /// Calls a method that streams; `body` says whether it wants more.
  func stream<Response: Message>(
    _ method: String, _ request: some Message, _: Response.Type,
    _ body: (Response) throws -> Bool
  ) async throws {
    let responses = client.serverStream(
      Self.path(method), try request.serializedBytes(), options: options(timeout))
    for try await message in responses {
      guard try body(Self.decode(message)) else { return }
    }
  }

  /// Calls a method that takes a stream of requests.
  func send<Response: Message>(
    _ method: String, _ requests: some Sequence<some Message>, _: Response.Type
  ) async throws -> Response {
    let call = client.clientStream(Self.path(method), options: options(timeout))
    for request in requests {
      // The call has ended: its response says why.
      guard await call.requests.send(try request.serializedBytes()) else { break }
    }
    call.requests.finish()
    return try Self.decode(try await call.response().message)
  }

  /// - Parameter method: Of the bridge's service, or a whole path.
  private static func path(_ method: String) -> String {
    method.hasPrefix("/") ? method : "/snakepit.bridge.BridgeService/\(method)"
  }

  private static func decode<Response: Message>(_ bytes: [UInt8]) throws -> Response {
    do {
      return try Response(serializedBytes: bytes)
    } catch {
      throw RPCError(
        .internalError, "the host's answer is not a well-formed \(Response.protoMessageName)")
    }
  }

  private func options(_ seconds: Double?, attempts: Int = 1) -> CallOptions {
    CallOptions(
      metadata: metadata, timeout: seconds.map { .nanoseconds(Int64($0 * 1e9)) },
      waitsForReady: waits, retries: RetryPolicy(maxAttempts: attempts),
      compressionThreshold: compressionThreshold)
  }
}
