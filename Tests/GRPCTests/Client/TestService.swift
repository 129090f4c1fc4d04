import Glibc
import GRPC
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Threads

/// A server in this process with a method of every kind, and what its handlers saw.
final class TestService: Sendable {
  struct Seen {
    var cancellations = 0
    var produced = 0
    var collected = 0
    var hanging = 0
    /// Calls of Flaky, each with its `grpc-previous-rpc-attempts`.
    var attempts: [String] = []
    var deadlines: [NIODeadline?] = []
  }

  let seen = Locked(Seen())
  private let server = Locked<GRPCServer?>(nil)
  private let boundPort = Locked(0)
  private let host: String

  var port: Int { boundPort.withLock { $0 } }
  var target: ServerAddress { .tcp(host: host, port: port) }

  static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// - Parameter host: the address to listen on. A service that is stopped and started again
  ///   needs one of its own: see ``Loopback``.
  init(
    host: String = "127.0.0.1", limits: ServerLimits = ServerLimits(),
    security: TransportSecurity = .plaintext
  ) throws {
    self.host = host
    try start(limits: limits, security: security)
  }

  deinit { server.withLock { $0 }?.shutDown(grace: .zero) }

  /// Starts, again on the port it had.
  func start(
    limits: ServerLimits = ServerLimits(), security: TransportSecurity = .plaintext
  ) throws {
    let new = GRPCServer(methods: methods, eventLoops: 1, limits: limits, logger: Self.quiet)
    let port = port
    let bound = try new.listen(on: .tcp(host: host, port: port), security: security)
    boundPort.withLock { $0 = bound.port ?? port }
    server.withLock { $0 = new }
  }

  /// Stops as a host does; not on a thread of the tests, which the calls need.
  func stop(grace: TimeAmount) async {
    guard let old = server.withLock({ $0.take() }) else { return }
    try? await NIOThreadPool.singleton.runIfActive { old.shutDown(grace: grace) }
  }

  private var methods: [RPCMethod] {
    [
      .unary("/test/Echo") { request, call throws(RPCError) in
        var metadata = Metadata()
        for value in call.metadata.values(for: "x-echo") { metadata.add(value, for: "x-echo") }
        call.start(metadata: metadata)
        return request
      },
      .unary("/test/IsCompressed") { _, call throws(RPCError) in
        Array("\(call.isRequestCompressed)".utf8)
      },
      .requestStream("/test/AreCompressed") { AreCompressed(call: $0) },
      .unary("/test/Peer") { _, call throws(RPCError) in Array("\(call.peer)".utf8) },
      .oneRequest("/test/Trailers") { Trailers(call: $0) },
      .unary("/test/Fail") { request, _ throws(RPCError) in
        var metadata = Metadata()
        metadata.add("because", for: "x-reason")
        metadata.add([0, 255], for: "x-reason-bin")
        throw RPCError(
          .dataLoss, String(decoding: request, as: UTF8.self), details: [1, 2, 3],
          metadata: metadata)
      },
      .unary("/test/FailAfterHeaders") { request, call throws(RPCError) in
        var metadata = Metadata()
        metadata.add("first", for: "x-header")
        call.start(metadata: metadata)
        throw RPCError(.aborted, String(decoding: request, as: UTF8.self))
      },
      .requestStream("/test/FailTheSecond") { FailTheSecond(call: $0) },
      .unary("/test/Flaky") { [unowned self] request, call throws(RPCError) in
        let failures = Int(String(decoding: request, as: UTF8.self)) ?? 0
        let attempt = seen.withLock { seen in
          seen.attempts.append(call.metadata["grpc-previous-rpc-attempts"] ?? "none")
          return seen.attempts.count
        }
        guard attempt <= failures else { return Array("\(attempt)".utf8) }
        var metadata = Metadata()
        if let pushback = call.metadata["x-pushback"] {
          metadata.add(pushback, for: "grpc-retry-pushback-ms")
        }
        throw RPCError(.unavailable, "not yet", metadata: metadata)
      },
      .requestStream("/test/Each") { Each(call: $0) },
      .requestStream("/test/Collect") { [unowned self] in Collect(call: $0, service: self) },
      .requestStream("/test/FlakyCollect") { [unowned self] in
        FlakyCollect(call: $0, service: self)
      },
      .oneRequest("/test/Produce") { [unowned self] in Produce(call: $0, service: self) },
      .oneRequest("/test/Hang") { [unowned self] in Hang(call: $0, service: self) },
    ]
  }

  private final class Trailers: ServerCallHandler {
    let call: ServerCall
    init(call: ServerCall) { self.call = call }
    func receive(_ request: [UInt8]) throws(RPCError) {
      call.send(request)
      var trailers = Metadata()
      for value in try call.metadata.binaryValues(for: "x-echo-bin") {
        trailers.add(value, for: "x-echo-bin")
      }
      call.finish(trailers: trailers)
    }
  }

  private final class Each: ServerCallHandler {
    let call: ServerCall
    init(call: ServerCall) {
      self.call = call
      call.start()
    }
    func receive(_ request: [UInt8]) throws(RPCError) {
      if request == Array("fail".utf8) { throw RPCError(.aborted, "as told") }
      call.send(request)
    }
    func requestsEnded() { call.finish() }
  }

  /// Says its headers at once, and fails at the second request.
  private final class FailTheSecond: ServerCallHandler {
    let call: ServerCall
    var count = 0
    init(call: ServerCall) {
      self.call = call
      var metadata = Metadata()
      metadata.add("first", for: "x-header")
      call.start(metadata: metadata)
    }
    func receive(_ request: [UInt8]) throws(RPCError) {
      count += 1
      if count == 2 { throw RPCError(.aborted, "as told") }
    }
    func requestsEnded() { call.respond([]) }
  }

  /// Answers each request with whether it came compressed.
  private final class AreCompressed: ServerCallHandler {
    let call: ServerCall
    init(call: ServerCall) { self.call = call }
    func receive(_ request: [UInt8]) { call.send(Array("\(call.isRequestCompressed)".utf8)) }
    func requestsEnded() { call.finish() }
  }

  private class Collect: ServerCallHandler {
    let call: ServerCall
    let service: TestService
    var count = 0
    var bytes = 0
    init(call: ServerCall, service: TestService) {
      self.call = call
      self.service = service
    }
    func receive(_ request: [UInt8]) throws(RPCError) {
      count += 1
      bytes += request.count
      service.seen.withLock { $0.collected += 1 }
      if request == Array("enough".utf8) { requestsEnded() }
    }
    func requestsEnded() { call.respond(Array("\(count) \(bytes)".utf8)) }
  }

  /// Fails its first call at the second request.
  private final class FlakyCollect: Collect {
    override func receive(_ request: [UInt8]) throws(RPCError) {
      try super.receive(request)
      if service.seen.withLock({ $0.collected }) == 2 {
        throw RPCError(.unavailable, "not yet")
      }
    }
  }

  /// For "COUNT SIZE", sends so many messages of so many bytes, as there is room.
  private final class Produce: ServerCallHandler {
    let call: ServerCall
    let service: TestService
    var remaining = 0
    var message: [UInt8] = []
    init(call: ServerCall, service: TestService) {
      self.call = call
      self.service = service
    }
    func receive(_ request: [UInt8]) {
      let numbers = String(decoding: request, as: UTF8.self).split(separator: " ").map { Int($0)! }
      remaining = numbers[0]
      message = [UInt8](repeating: 7, count: numbers[1])
      writable()
    }
    func writable() {
      while remaining > 0 {
        remaining -= 1
        service.seen.withLock { $0.produced += 1 }
        if !call.send(message) && remaining > 0 { return }
      }
      call.finish()
    }
    func cancelled(_ reason: RPCError) { service.seen.withLock { $0.cancellations += 1 } }
  }

  private final class Hang: ServerCallHandler {
    let service: TestService
    init(call: ServerCall, service: TestService) {
      self.service = service
      service.seen.withLock {
        $0.hanging += 1
        $0.deadlines.append(call.deadline)
      }
    }
    func receive(_ request: [UInt8]) {}
    func cancelled(_ reason: RPCError) { service.seen.withLock { $0.cancellations += 1 } }
  }
}

/// Waits until something has come true; only a hang makes it fail.
func eventually(
  _ condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  for _ in 0..<6000 {
    if condition() { return }
    try await Task.sleep(for: .milliseconds(5))
  }
  Issue.record("it did not come true within 30 s", sourceLocation: sourceLocation)
}

/// The error a call ends with.
func failure(
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws(RPCError) -> Void
) async throws -> RPCError {
  do throws(RPCError) {
    try await body()
  } catch {
    return error
  }
  Issue.record("the call succeeded", sourceLocation: sourceLocation)
  throw CancellationError()
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Addresses of the loopback network that no other test uses.
///
/// A port of 127.0.0.1 that is let go may be taken at once: connections of other tests get
/// their local ports there. Connections to another address of 127/8 come from 127.0.0.1, too,
/// so that a port there is free for as long as nobody listens on it.
enum Loopback {
  private static let last = Atomic<UInt32>(0)

  static func address() -> String {
    let number = last.wrappingAdd(1, ordering: .relaxed).newValue
    return "127.\(1 + number >> 8 & 0x7F).\(number & 0xFF).\(1 + getpid() % 250)"
  }
}
