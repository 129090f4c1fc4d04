import GRPC
import Glibc
import Logging
import NIOCore
import Synchronization

/// A server on nothing but the public interface of GRPC, for the tests in Tests/Wire: every kind of
/// call, with bytes as messages.
///
///     GRPCTestServer [LIMIT=VALUE ...] [CERTIFICATE KEY CLIENT_AUTHORITIES]
///
/// Arguments such as `messageSize=1000` set limits, times in milliseconds; files make it mutual TLS.
@main
enum GRPCTestServer {
  static func main() throws {
    var limits = ServerLimits()
    for argument in CommandLine.arguments.dropFirst() where argument.contains("=") {
      let parts = argument.split(separator: "=")
      limits.set(String(parts[0]), Int(parts[1])!)
    }
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
        .unary("/test.Echo/Zeros") { request, _ throws(RPCError) in
          [UInt8](repeating: 0, count: Int(String(decoding: request, as: UTF8.self)) ?? 0)
        },
        .unary("/test.Echo/Gzip", gzip),
        .oneRequest("/test.Echo/Mixed") { Mixed(call: $0) },
        .unary("/test.Echo/Reserved", reserved),
        .oneRequest("/test.Echo/Linger") { Lingering(call: $0) },
        .unary("/test.Echo/Peer") { _, call throws(RPCError) in Array("\(call.peer)".utf8) },
        .requestStream("/test.Echo/Each") { Echo(call: $0) },
        .requestStream("/test.Echo/Collect") { Collector(call: $0) },
        .requestStream("/test.Echo/Patient", ignoresDeadline: true) { Echo(call: $0) },
      ],
      eventLoops: 2, limits: limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let files = CommandLine.arguments.dropFirst().filter { !$0.contains("=") }
    var security = TransportSecurity.plaintext
    if files.count == 3 {
      var tls = TLSConfiguration(
        identity: .init(certificateFile: files[0], keyFile: files[1]), authorityFile: files[2])
      tls.handshakeTimeout = .seconds(1)
      security = .tls(tls)
    }
    let address = ServerAddress.tcp(host: "127.0.0.1", port: 0)
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

extension GRPCTestServer {
  /// Answers the request compressed; x-compressed says whether the request was.
  @Sendable
  private static func gzip(_ request: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    call.compressionThreshold = 0
    var metadata = Metadata()
    metadata.add(call.isRequestCompressed ? "yes" : "no", for: "x-compressed")
    call.start(metadata: metadata)
    return request
  }

  /// Sends metadata that is not a service's to send, where the request says.
  @Sendable
  private static func reserved(_ request: [UInt8], _ call: ServerCall) throws(RPCError) -> [UInt8] {
    var metadata = Metadata()
    metadata.add("value", for: "grpc-mine")
    switch request.first {
    case UInt8(ascii: "h"): call.start(metadata: metadata)
    case UInt8(ascii: "t"): call.finish(trailers: metadata)
    default: throw RPCError(.aborted, "with metadata", metadata: metadata)
    }
    return request
  }
}

extension ServerLimits {
  mutating func set(_ name: String, _ value: Int) {
    let time = TimeAmount.milliseconds(Int64(value))
    switch name {
    case "messageSize": messageSize = value
    case "concurrentStreams": concurrentStreams = value
    case "requestBytes": requestBytes = value
    case "answerBytes": answerBytes = value
    case "controlFrameBurst": controlFrameBurst = value
    case "controlFramesPerSecond": controlFramesPerSecond = value
    case "handshakeTimeout": handshakeTimeout = time
    case "firstCallTimeout": firstCallTimeout = time
    case "sendTimeout": sendTimeout = time
    case "compressionThreshold": compressionThreshold = value
    case "time": keepalive.time = time
    case "timeout": keepalive.timeout = time
    case "minimumPingInterval": keepalive.minimumPingInterval = time
    case "permitsPingsWithoutCalls": keepalive.permitsPingsWithoutCalls = value != 0
    case "maxIdle": keepalive.maxIdle = time
    case "maxAge": keepalive.maxAge = time
    case "maxAgeGrace": keepalive.maxAgeGrace = time
    default: fatalError("no limit is called \(name)")
    }
  }
}

/// Answers the request three times: compressed, as it is, compressed.
final class Mixed: ServerCallHandler {
  private let call: ServerCall

  init(call: ServerCall) {
    self.call = call
    call.compressionThreshold = .max
  }

  func receive(_ request: [UInt8]) {
    for compressed in [true, false, true] { call.send(request, compressed: compressed) }
    call.finish()
  }
}

/// Goes on for a second after it was cancelled, as work does that cannot be interrupted.
final class Lingering: ServerCallHandler, @unchecked Sendable {
  private let call: ServerCall

  init(call: ServerCall) { self.call = call }

  func receive(_ request: [UInt8]) {}

  func cancelled(_ reason: RPCError) {
    call.eventLoop.scheduleTask(in: .seconds(1)) { _ = self }
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
