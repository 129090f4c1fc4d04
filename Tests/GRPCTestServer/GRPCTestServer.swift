import GRPC
import Glibc
import Logging
import Synchronization

/// A server on nothing but the public interface of GRPC, for the tests in Tests/Wire: every kind of
/// call, with bytes as messages.
///
///     GRPCTestServer [CERTIFICATE KEY CLIENT_AUTHORITIES]    with mutual TLS when files are named
@main
enum GRPCTestServer {
  static func main() throws {
    let server = GRPCServer(
      methods: [
        .unary("/test.Echo/Unary", unary),
        .oneRequest("/test.Echo/Produce") { Producer(call: $0) },
        .oneRequest("/test.Echo/Hang") { Hanging(call: $0) },
        .unary("/test.Echo/Cancellations") { _, _ throws(RPCError) in
          Array(String(Hanging.cancellations.load(ordering: .relaxed)).utf8)
        },
        .unary("/test.Echo/Fail") { request, _ throws(RPCError) in
          var metadata = Metadata()
          metadata.add("because", for: "x-reason")
          throw RPCError(
            .dataLoss, String(decoding: request, as: UTF8.self), details: [1, 2, 3],
            metadata: metadata)
        },
        .unary("/test.Echo/Peer") { _, call throws(RPCError) in Array("\(call.peer)".utf8) },
        .requestStream("/test.Echo/Each") { Echo(call: $0) },
        .requestStream("/test.Echo/Collect") { Collector(call: $0) },
        .requestStream("/test.Echo/Patient", ignoresDeadline: true) { Echo(call: $0) },
      ],
      eventLoops: 2, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let files = CommandLine.arguments.dropFirst()
    var security = TransportSecurity.plaintext
    if files.count == 3 {
      var tls = TLSConfiguration(
        identity: .init(certificateFile: files[1], keyFile: files[2]), authorityFile: files[3])
      tls.handshakeTimeout = .seconds(1)
      security = .tls(tls)
    }
    let address = ListenAddress.tcp(host: "127.0.0.1", port: 0)
    let port = try server.listen(on: address, security: security).port ?? 0
    let ready = Array("GRPC_READY:\(port)\n".utf8)
    write(STDOUT_FILENO, ready, ready.count)
    // Standard input ends when the tests do.
    while readLine() != nil {}
    server.shutDown(grace: .seconds(1))
  }

  /// Answers the request; the header x-echo comes back as a header, x-echo-bin as a trailer.
  @Sendable
  private static func unary(_ request: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    var initial = Metadata()
    for value in call.metadata.values(for: "x-echo") { initial.add(value, for: "x-echo") }
    call.start(metadata: initial)
    let binary = try call.metadata.binaryValues(for: "x-echo-bin")
    if !binary.isEmpty {
      var trailers = Metadata()
      for value in binary { trailers.add(value, for: "x-echo-bin") }
      call.send(request)
      call.finish(trailers: trailers)
    }
    return request
  }
}

/// Answers each request as it comes.
final class Echo: ServerCallHandler {
  private let call: ServerCall

  init(call: ServerCall) {
    self.call = call
    call.start()
  }

  func receive(_ request: [UInt8]) { call.send(request) }
  func requestsEnded() { call.finish() }
}

/// Answers the number of requests and of their bytes.
final class Collector: ServerCallHandler {
  private let call: ServerCall
  private var count = 0
  private var bytes = 0

  init(call: ServerCall) { self.call = call }

  func receive(_ request: [UInt8]) {
    count += 1
    bytes += request.count
  }

  func requestsEnded() { call.respond(Array("\(count) \(bytes)".utf8)) }
}

/// For the request "COUNT SIZE", sends so many messages of so many bytes, as there is room.
final class Producer: ServerCallHandler {
  private let call: ServerCall
  private var remaining = 0
  private var message: [UInt8] = []

  init(call: ServerCall) { self.call = call }

  func receive(_ request: [UInt8]) throws(RPCError) {
    let parts = String(decoding: request, as: UTF8.self).split(separator: " ").compactMap {
      Int($0)
    }
    guard parts.count == 2 else { throw RPCError(.invalidArgument, "send COUNT SIZE") }
    remaining = parts[0]
    message = [UInt8](repeating: 7, count: parts[1])
    writable()
  }

  func writable() {
    while remaining > 0 {
      remaining -= 1
      if !call.send(message) && remaining > 0 { return }
    }
    call.finish()
  }
}

/// Never answers; counts how often it was cancelled.
final class Hanging: ServerCallHandler {
  static let cancellations = Atomic<Int>(0)

  init(call: ServerCall) {}

  func receive(_ request: [UInt8]) {}
  func cancelled(_ reason: RPCError) { Self.cancellations.add(1, ordering: .relaxed) }
}
