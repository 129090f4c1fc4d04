import NIOCore
import Testing

@testable import GRPC

/// Calls that end before their server has answered: deadlines, cancellation, lost handles.
@Suite(.timeLimit(.minutes(5))) struct EndingTests {
  @Test func deadlinesEndCallsHereAndThere() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    var timeout: TimeAmount = .milliseconds(500)
    // On a busy machine a call's time may be over before the server has it: again with more.
    repeat {
      timeout = timeout + timeout
      let before = NIODeadline.now()
      let options = CallOptions(timeout: timeout)
      let error = try await failure { () async throws(RPCError) in
        _ = try await client.unary("/test/Hang", [], options: options)
      }
      #expect(error.code == .deadlineExceeded)
      #expect(NIODeadline.now() - before >= timeout)
    } while service.seen.withLock { $0.deadlines.isEmpty } && timeout < .seconds(64)
    // The server knew the deadline.
    let deadline = try #require(service.seen.withLock { $0.deadlines.first ?? nil })
    #expect(deadline <= NIODeadline.now() + timeout)
    try await eventually {
      service.seen.withLock { $0.cancellations == $0.deadlines.count }
    }
  }

  @Test func aDeadlineThatHasPassedSendsNothing() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let error = try await failure { () async throws(RPCError) in
      _ = try await client.unary("/test/Hang", [], options: CallOptions(timeout: .zero))
    }
    #expect(error.code == .deadlineExceeded)
    #expect(service.seen.withLock { $0.hanging } == 0)
  }

  @Test func eachDeadlineStandsForItself() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    await withTaskGroup(of: StatusCode?.self) { group in
      for milliseconds in [400, 50, 200, 100] as [Int64] {
        group.addTask {
          let options = CallOptions(timeout: .milliseconds(milliseconds))
          return try? await failure { () async throws(RPCError) in
            _ = try await client.unary("/test/Hang", [], options: options)
          }.code
        }
      }
      for await code in group { #expect(code == .deadlineExceeded) }
    }
  }

  @Test func cancellingATaskCancelsItsUnaryCall() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let task = Task {
      try await failure { () async throws(RPCError) in
        _ = try await client.unary("/test/Hang", [])
      }.code
    }
    try await eventually { service.seen.withLock { $0.hanging } == 1 }
    task.cancel()
    #expect(try await task.value == .cancelled)
    try await eventually { service.seen.withLock { $0.cancellations } == 1 }
  }

  @Test func aTaskThatIsCancelledAlreadyMakesNoCall() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await failure { () async throws(RPCError) in
        _ = try await client.unary("/test/Hang", [])
      }.code
    }
    task.cancel()
    #expect(try await task.value == .cancelled)
  }

  @Test func cancellingAReaderCancelsItsStream() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    let stream = client.serverStream("/test/Produce", bytes("1000000 1000"))
    let task = Task {
      try await failure { () async throws(RPCError) in
        let responses = stream.makeAsyncIterator()
        for _ in 0..<10 { _ = try await responses.next() }
        withUnsafeCurrentTask { $0?.cancel() }
        while try await responses.next() != nil {}
      }.code
    }
    #expect(try await task.value == .cancelled)
    try await eventually { service.seen.withLock { $0.cancellations } == 1 }
  }

  @Test func lettingGoOfAStreamCancelsIt() async throws {
    let service = try TestService()
    let client = GRPCClient(target: service.target)
    do {
      let stream = client.serverStream("/test/Produce", bytes("1000000 1000"))
      _ = try await stream.metadata
    }
    try await eventually { service.seen.withLock { $0.cancellations } == 1 }
  }

  @Test func cancellingAWriterCancelsItsCall() async throws {
    // A server that reads, but a window that is not its: nothing leaves before SETTINGS, so a
    // writer waits as soon as the quota is used up.
    let client = GRPCClient(target: .tcp(host: "127.0.0.1", port: 1))
    let call = client.clientStream(
      "/test/Collect", options: CallOptions(waitsForReady: true))
    let task = Task {
      await call.requests.send([UInt8](repeating: 0, count: RequestQuota.limit + 1))
    }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    #expect(await task.value == false)
    let error = try await failure { () async throws(RPCError) in _ = try await call.response() }
    #expect(error.code == .cancelled)
  }
}
