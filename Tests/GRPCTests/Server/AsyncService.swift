import GRPC
import NIOCore
import Threads

/// A server in this process whose handlers are async functions, and what they saw.
final class AsyncService: Sendable {
  struct Seen {
    var begun = 0
    var ended = 0
    /// The status that reading or sending ended with, and whether the task was cancelled then.
    var ends: [(code: StatusCode?, isCancelled: Bool)] = []
    var produced = 0
    var timeLeft: TimeAmount?
    var requestsCompressed: [Bool] = []
  }

  let seen = Locked(Seen())
  /// What handlers wait for that are told to.
  let gate = Gate()
  private let server: GRPCServer
  let target: ServerAddress

  struct NoRPCError: Error {}

  init(limits: ServerLimits = ServerLimits()) async throws {
    let seen = Reference()
    server = GRPCServer(
      methods: Self.methods(seen), eventLoops: 1, limits: limits, logger: TestService.quiet)
    target = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0))
    seen.service.withLock { $0 = self }
  }

  /// Handlers are made before the service is.
  final class Reference: Sendable {
    let service = Locked<AsyncService?>(nil)
    func get() -> AsyncService { service.withLock { $0! } }
  }

  var connectionCount: Int { server.connectionCount }

  func stop(grace: TimeAmount = .zero) async { await server.shutDown(grace: grace) }

  /// Runs a handler's body and notes how it ended.
  private func noting(_ body: () async throws -> Void) async throws {
    seen.withLock { $0.begun += 1 }
    defer { seen.withLock { $0.ended += 1 } }
    do {
      try await body()
    } catch {
      seen.withLock { $0.ends.append(((error as? RPCError)?.code, Task.isCancelled)) }
      throw error
    }
  }

  private static func methods(_ reference: Reference) -> [RPCMethod] {
    [
      .asyncUnary("/test/Echo") { request, call in
        await Task.yield()
        return request
      },
      .asyncUnary("/test/Fail") { request, call in
        var trailers = Metadata()
        trailers.add("sent", for: "x-trailer")
        try call.setTrailers(trailers)
        switch text(request) {
        case "status":
          var metadata = Metadata()
          metadata.add("because", for: "x-reason")
          throw RPCError(.notFound, "not here", details: [1, 2, 3], metadata: metadata)
        case "cancelled": throw CancellationError()
        default: throw NoRPCError()
        }
      },
      .asyncUnary("/test/About") { _, call in
        var metadata = Metadata()
        for value in call.metadata.values(for: "x-echo") { metadata.add(value, for: "x-echo") }
        try call.start(metadata: metadata)
        try call.setTrailers(metadata)
        reference.get().seen.withLock { $0.timeLeft = call.timeLeft }
        return bytes(
          "\(call.path) \(call.peer.address.hasPrefix("ipv4:127.0.0.1:")) \(call.isOver)")
      },
      .asyncUnary("/test/Reserved") { request, call in
        var metadata = Metadata()
        metadata.add("x", for: "grpc-mine")
        if text(request) == "start" { try call.start(metadata: metadata) }
        try call.setTrailers(metadata)
        return request
      },
      .asyncUnary("/test/Sleep") { request, _ in
        try await reference.get().noting { try await Task.sleep(for: .seconds(600)) }
        return request
      },
      .asyncUnary("/test/OutliveCall") { request, call in
        let service = reference.get()
        service.seen.withLock { $0.begun += 1 }
        await service.gate.wait()
        service.seen.withLock { $0.ends.append((nil, call.isOver)) }
        return request
      },
      .serverStream("/test/Produce") { request, responses, _ in
        let service = reference.get()
        let numbers = text(request).split(separator: " ").map { Int($0)! }
        try await service.noting {
          for number in 0..<numbers[0] {
            try await responses.send([UInt8](repeating: UInt8(number % 256), count: numbers[1]))
            service.seen.withLock { $0.produced += 1 }
          }
        }
      },
      .serverStream("/test/ProduceTogether") { request, responses, _ in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<8 {
            group.addTask {
              for _ in 0..<100 {
                try await responses.send([UInt8](repeating: UInt8(number), count: 10_000))
              }
            }
          }
          try await group.waitForAll()
        }
      },
      .clientStream("/test/Collect") { requests, call in
        let service = reference.get()
        var count = 0
        var size = 0
        try await service.noting {
          if call.metadata["x-wait"] != nil { await service.gate.wait() }
          for try await request in requests {
            count += 1
            size += request.count
          }
        }
        return bytes("\(count) \(size)")
      },
      .clientStream("/test/Ignore") { _, _ in bytes("ignored") },
      .clientStream("/test/Never") { _, _ in
        try await reference.get().noting { try await Task.sleep(for: .seconds(600)) }
        return []
      },
      .bidirectional("/test/Each") { requests, responses, call in
        try call.start()
        try await reference.get().noting {
          for try await request in requests {
            if request == bytes("fail") { throw RPCError(.aborted, "as told") }
            if request == bytes("enough") { return }
            try await responses.send(request)
          }
        }
      },
      .bidirectional("/test/AreCompressed") { requests, responses, call in
        for try await _ in requests {
          // By now other requests have arrived.
          try await Task.sleep(for: .milliseconds(1))
          try await responses.send(bytes("\(call.isRequestCompressed)"))
        }
      },
      .bidirectional("/test/Packed") { requests, responses, call in
        try call.start(compressionThreshold: .max)
        for try await request in requests {
          try await responses.send(request, compressed: true)
          try await responses.send(request)
        }
      },
      .bidirectional("/test/GiveUpReading") { requests, responses, _ in
        let reading = Task { () -> StatusCode? in
          do throws(RPCError) {
            _ = try await requests.makeAsyncIterator().next()
            return nil
          } catch {
            return error.code
          }
        }
        try await Task.sleep(for: .milliseconds(20))
        reading.cancel()
        try await responses.send(bytes("\(await reading.value?.name ?? "none")"))
        for try await request in requests { try await responses.send(request) }
      },
    ]
  }
}

/// Holds tasks up until it is opened.
actor Gate {
  private var isOpen = false
  private var waiters: [CheckedContinuation<Void, Never>] = []

  func wait() async {
    if isOpen { return }
    await withCheckedContinuation { waiters.append($0) }
  }

  func open() {
    isOpen = true
    for waiter in waiters { waiter.resume() }
    waiters = []
  }
}
