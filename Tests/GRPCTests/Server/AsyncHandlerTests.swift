import GRPC
import NIOCore
import Testing
import Threads

/// Handlers that are async functions, against the client of this package.
@Suite(.timeLimit(.minutes(5))) struct AsyncHandlerTests {
  @Test func allKindsAnswer() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    #expect(text(try await client.unary("/test/Echo", bytes("hello")).message) == "hello")

    var count = 0
    for try await message in client.serverStream("/test/Produce", bytes("5000 100")) {
      #expect(message == [UInt8](repeating: UInt8(count % 256), count: 100))
      count += 1
    }
    #expect(count == 5000)

    let collect = client.clientStream("/test/Collect")
    for _ in 0..<1000 { #expect(await collect.requests.send([UInt8](repeating: 1, count: 5000))) }
    collect.requests.finish()
    #expect(text(try await collect.response().message) == "1000 5000000")

    let each = client.bidirectional("/test/Each")
    let responses = each.responses.makeAsyncIterator()
    for number in 0..<200 {
      #expect(await each.requests.send(bytes("\(number)")))
      #expect(try await responses.next().map(text) == "\(number)")
    }
    each.requests.finish()
    #expect(try await responses.next() == nil)
    await service.stop()
  }

  @Test func streamsMayBeEmpty() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    for try await _ in client.serverStream("/test/Produce", bytes("0 0")) {
      Issue.record("there is no message")
    }
    let collect = client.clientStream("/test/Collect")
    collect.requests.finish()
    #expect(text(try await collect.response().message) == "0 0")
    await service.stop()
  }

  @Test func handlersKnowTheirCall() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions(timeout: .seconds(100))
    options.metadata.add("one", for: "x-echo")
    options.metadata.add("two", for: "x-echo")
    let response = try await client.unary("/test/About", [], options: options)
    #expect(text(response.message) == "/test/About true false")
    #expect(response.metadata.values(for: "x-echo") == ["one", "two"])
    #expect(response.trailers.values(for: "x-echo") == ["one", "two"])
    let timeLeft = try #require(service.seen.withLock { $0.timeLeft })
    #expect(timeLeft > .zero && timeLeft <= .seconds(100))
    _ = try await client.unary("/test/About", [])
    #expect(service.seen.withLock { $0.timeLeft } == nil)
    await service.stop()
  }

  @Test func errorsBecomeStatuses() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let status = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Fail", bytes("status"))
    }
    #expect(status.code == .notFound)
    #expect(status.message == "not here")
    #expect(status.details == [1, 2, 3])
    #expect(status.metadata["x-reason"] == "because")
    #expect(status.metadata["x-trailer"] == "sent")
    let unknown = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Fail", bytes("other"))
    }
    #expect(unknown.code == .unknown)
    #expect(!unknown.message.contains("NoRPCError"))
    #expect(unknown.metadata["x-trailer"] == "sent")
    let cancelled = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Fail", bytes("cancelled"))
    }
    #expect(cancelled.code == .cancelled)
    await service.stop()
  }

  @Test(arguments: ["start", "trailers"])
  func metadataThatIsNotTheServicesIsRefused(_ which: String) async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Reserved", bytes(which))
    }
    #expect(error.code == .internalError)
    #expect(error.message.contains("grpc-mine"))
    await service.stop()
  }

  // MARK: Cancellation and deadlines

  @Test func cancelledCallsCancelTheirTask() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = Task { try await client.unary("/test/Sleep", []) }
    try await eventually { service.seen.withLock { $0.begun } == 1 }
    call.cancel()
    try await eventually { service.seen.withLock { $0.ended } == 1 }
    #expect(service.seen.withLock { $0.ends[0].isCancelled })
    await service.stop()
  }

  @Test func readersOfRequestsAreCancelled() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Each")
    await call.requests.send(bytes("one"))
    #expect(try await call.responses.makeAsyncIterator().next().map(text) == "one")
    call.requests.cancel()
    try await eventually { service.seen.withLock { $0.ended } == 1 }
    let end = service.seen.withLock { $0.ends[0] }
    #expect(end.code == .cancelled && end.isCancelled)
    await service.stop()
  }

  @Test func writersThatWaitForRoomAreCancelled() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let stream = client.serverStream("/test/Produce", bytes("1000000 1000"))
    try await stillsAt { service.seen.withLock { $0.produced } }
    #expect(service.seen.withLock { $0.ended } == 0)
    stream.cancel()
    try await eventually { service.seen.withLock { $0.ended } == 1 }
    let end = service.seen.withLock { $0.ends[0] }
    #expect(end.code == .cancelled && end.isCancelled)
    await service.stop()
  }

  @Test func deadlinesCancelTheirTask() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let error = try await endOfTime { options throws(RPCError) in
      _ = try await client.unary("/test/Sleep", [], options: options)
    } untilBegun: {
      service.seen.withLock { $0.begun } == 1
    }
    #expect(error.code == .deadlineExceeded)
    try await eventually { service.seen.withLock { $0.ended } == 1 }
    #expect(service.seen.withLock { $0.ends[0].isCancelled })
    // A reader hears the reason, from the server's clock or of the client's reset.
    _ = try await endOfTime { options throws(RPCError) in
      let call = client.bidirectional("/test/Each", options: options)
      _ = try await call.responses.makeAsyncIterator().next()
    } untilBegun: {
      service.seen.withLock { $0.begun } == 2
    }
    try await eventually { service.seen.withLock { $0.ended } == 2 }
    let end = service.seen.withLock { $0.ends[1] }
    #expect(end.code == .deadlineExceeded || end.code == .cancelled)
    #expect(end.isCancelled)
    await service.stop()
  }

  /// Calls that run out of time, with ever more of it until one has reached its handler.
  private func endOfTime(
    _ call: (CallOptions) async throws(RPCError) -> Void, untilBegun hasBegun: () -> Bool
  ) async throws -> RPCError {
    var timeout = TimeAmount.milliseconds(100)
    while true {
      let error = try await failure { () async throws(RPCError) in
        try await call(CallOptions(timeout: timeout))
      }
      if hasBegun() { return error }
      timeout = timeout * 2
    }
  }

  /// A task of the handler's own that stops waiting for a request takes nothing from the call.
  @Test func aCancelledReaderLeavesTheCallAlone() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/GiveUpReading")
    let responses = call.responses.makeAsyncIterator()
    #expect(try await responses.next().map(text) == "CANCELLED")
    await call.requests.send(bytes("still here"))
    #expect(try await responses.next().map(text) == "still here")
    call.requests.finish()
    #expect(try await responses.next() == nil)
    await service.stop()
  }

  @Test func shutDownCancelsHandlers() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let sleep = Task { try await client.unary("/test/Sleep", []) }
    let each = client.bidirectional("/test/Each")
    await each.requests.send(bytes("one"))
    #expect(try await each.responses.makeAsyncIterator().next().map(text) == "one")
    let outliving = Task { try await client.unary("/test/OutliveCall", []) }
    try await eventually { service.seen.withLock { $0.begun } == 3 }
    #expect(service.connectionCount == 1)
    await service.stop()
    #expect(service.connectionCount == 0)
    for result in [await sleep.result, await outliving.result] {
      #expect(throws: RPCError.self) { try result.get() }
    }
    try await eventually { service.seen.withLock { $0.ended } == 2 }
    #expect(service.seen.withLock { $0.ends.contains { $0.code == .unavailable } })
    // The last one answers into the void, when the server's threads are gone.
    await service.gate.open()
    try await eventually { service.seen.withLock { $0.ends.count } == 3 }
    #expect(service.seen.withLock { $0.ends[2].isCancelled })
  }

  // MARK: Back-pressure

  @Test func slowReadersHoldUpHandlers() async throws {
    let service = try await AsyncService()
    var configuration = ClientConfiguration()
    configuration.streamWindow = 128 * 1024
    let client = GRPCClient(target: service.target, configuration: configuration)
    let stream = client.serverStream("/test/Produce", bytes("10000 1000"))
    _ = try await stream.metadata
    let produced = try await stillsAt { service.seen.withLock { $0.produced } }
    // A window, and what `send` lets wait.
    #expect(produced <= (128 * 1024 + 256 * 1024) / 1000 + 8)
    var count = 0
    for try await message in stream {
      #expect(message.count == 1000)
      count += 1
    }
    #expect(count == 10_000)
    await service.stop()
  }

  @Test func tasksThatSendTogetherAllGoOn() async throws {
    let service = try await AsyncService()
    var configuration = ClientConfiguration()
    configuration.streamWindow = 65_535
    let client = GRPCClient(target: service.target, configuration: configuration)
    var counts = [Int](repeating: 0, count: 8)
    for try await message in client.serverStream("/test/ProduceTogether", []) {
      #expect(message.count == 10_000)
      counts[Int(message[0])] += 1
    }
    #expect(counts == [Int](repeating: 100, count: 8))
    await service.stop()
  }

  /// A handler that does not read its requests stops its client, and nobody else.
  @Test(arguments: [100, 1000, 100_000])
  func slowHandlersHoldUpTheirClient(size: Int) async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    var options = CallOptions()
    options.metadata.add("yes", for: "x-wait")
    let call = client.clientStream("/test/Collect", options: options)
    let sent = Locked(0)
    let count = 4_000_000 / size
    let writing = Task {
      for _ in 0..<count {
        guard await call.requests.send([UInt8](repeating: 3, count: size)) else { return }
        sent.withLock { $0 += 1 }
      }
      call.requests.finish()
    }
    let held = try await stillsAt { sent.withLock { $0 } }
    // The server's window, what a handler leaves unread, and what waits on the client's side.
    let bound = 1024 * 1024 + 16 * 1024 + 256 * 1024 + 2 * size
    #expect(held * size <= bound)
    #expect(text(try await client.unary("/test/Echo", bytes("free")).message) == "free")
    await service.gate.open()
    await writing.value
    #expect(text(try await call.response().message) == "\(count) \(count * size)")
    await service.stop()
  }

  @Test func handlersThatNeverReadAreCancelled() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.clientStream("/test/Never")
    let sent = Locked(0)
    let writing = Task {
      while await call.requests.send([UInt8](repeating: 3, count: 1000)) {
        sent.withLock { $0 += 1 }
      }
    }
    try await stillsAt { sent.withLock { $0 } }
    call.requests.cancel()
    await writing.value
    try await eventually { service.seen.withLock { $0.ended } == 1 }
    #expect(service.seen.withLock { $0.ends[0].isCancelled })
    await service.stop()
  }

  /// What handlers leave unread counts as requests that the connection holds.
  @Test func unreadRequestsAreBounded() async throws {
    var limits = ServerLimits()
    limits.messageSize = 200_000
    limits.requestBytes = 200_000
    limits.connectionWindow = 65_535
    let service = try await AsyncService(limits: limits)
    let client = GRPCClient(target: service.target)
    let codes = await withTaskGroup(of: StatusCode?.self) { group in
      for _ in 0..<8 { group.addTask { await Self.sendAndWait(client) } }
      // Those that there is room for wait for ever.
      var codes = [await group.next()!]
      group.cancelAll()
      for await code in group { codes.append(code) }
      return codes
    }
    #expect(codes[0] == .resourceExhausted)
    #expect(codes.contains(.cancelled))
    try await eventually { service.seen.withLock { $0.ended == $0.begun } }
    await service.stop()
  }

  /// The status of a call of one large request and no end.
  private static func sendAndWait(_ client: GRPCClient) async -> StatusCode? {
    let call = client.clientStream("/test/Never")
    do throws(RPCError) {
      await call.requests.send([UInt8](repeating: 3, count: 150_000))
      _ = try await call.response()
      return nil
    } catch {
      return error.code
    }
  }

  // MARK: Early ends

  @Test func aResponseWithoutReadingEndsTheSending() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.clientStream("/test/Ignore")
    let writing = Task {
      while await call.requests.send([UInt8](repeating: 3, count: 10_000)) {}
    }
    #expect(text(try await call.response().message) == "ignored")
    await writing.value
    await service.stop()
  }

  @Test func aHandlerMayReturnBeforeTheLastRequest() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Each")
    for request in ["a", "b", "enough", "c"] { await call.requests.send(bytes(request)) }
    var received: [String] = []
    for try await response in call.responses { received.append(text(response)) }
    #expect(received == ["a", "b"])
    #expect(await call.requests.send(bytes("d")) == false)
    await service.stop()
  }

  @Test func responsesBeforeAnErrorAreDelivered() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Each")
    for request in ["a", "b", "fail"] { await call.requests.send(bytes(request)) }
    let responses = call.responses.makeAsyncIterator()
    #expect(try await responses.next().map(text) == "a")
    #expect(try await responses.next().map(text) == "b")
    let error = try await failure { () async throws(RPCError) in _ = try await responses.next() }
    #expect(error.code == .aborted)
    #expect(error.message == "as told")
    await service.stop()
  }

  // MARK: Compression

  @Test func compressionIsToldOfTheRequestTakenLast() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let options = CallOptions(compressionThreshold: .max)
    let call = client.bidirectional("/test/AreCompressed", options: options)
    let pattern = [true, false, false, true, true, false]
    for compressed in pattern {
      await call.requests.send([UInt8](repeating: 1, count: 1000), compressed: compressed)
    }
    call.requests.finish()
    var received: [String] = []
    for try await response in call.responses { received.append(text(response)) }
    #expect(received == pattern.map { "\($0)" })
    await service.stop()
  }

  @Test func responsesAreCompressedAsAsked() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    let call = client.bidirectional("/test/Packed")
    let request = [UInt8](repeating: 1, count: 100_000)
    await call.requests.send(request)
    call.requests.finish()
    var count = 0
    for try await response in call.responses {
      #expect(response == request)
      count += 1
    }
    #expect(count == 2)
    await service.stop()
  }

  // MARK: Many

  @Test func manyCallsAtOnce() async throws {
    let service = try await AsyncService()
    let client = GRPCClient(target: service.target)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          let call = client.bidirectional("/test/Each")
          // Every third leaves in the middle, from another task.
          if number % 3 == 0 {
            await call.requests.send(bytes("x"))
            Task { call.requests.cancel() }
            while await call.requests.send(bytes("x")) {
              try await Task.sleep(for: .milliseconds(1))
            }
            return
          }
          async let writing: Void = {
            for round in 0..<50 { await call.requests.send(bytes("\(number) \(round)")) }
            call.requests.finish()
          }()
          var round = 0
          for try await response in call.responses {
            #expect(text(response) == "\(number) \(round)")
            round += 1
          }
          #expect(round == 50)
          await writing
        }
      }
      try await group.waitForAll()
    }
    try await eventually { service.seen.withLock { $0.ended == $0.begun } }
    await service.stop()
  }

  /// Waits until a number has risen and then stays as it is for a while.
  @discardableResult
  private func stillsAt(_ number: () -> Int) async throws -> Int {
    try await eventually { number() > 0 }
    var last = number()
    var still = 0
    while still < 20 {
      try await Task.sleep(for: .milliseconds(10))
      let now = number()
      still = now == last ? still + 1 : 0
      last = now
    }
    return last
  }
}
