internal import ConformanceSupport
internal import Glibc
internal import Threads

/// A client for Connect's conformance suite, on nothing but the public interface of GRPC: what
/// `connectconformance --mode client` starts.
///
/// Each request on standard input is a call to make; many are made at once. What came of each goes to
/// standard output as soon as it is known. The program ends when standard input and all calls have.
@main
enum ConformanceClient {
  static func main() async throws {
    EndingSignals.hold()
    let clients = try Clients()
    guard
      startThread(
        named: "signals",
        {
          EndingSignals.wait()
          clients.removeFiles()
          exit(0)
        })
    else { fatalError("no thread for signals") }

    let answers = Answers()
    let (requests, continuation) = AsyncThrowingStream.makeStream(of: Suite.Request.self)
    guard startThread(named: "input", { readRequests(into: continuation) })
    else { fatalError("no thread for standard input") }

    try await withThrowingTaskGroup(of: Void.self) { group in
      var running = 0
      for try await request in requests {
        if running == atOnce {
          try await group.next()
          running -= 1
        }
        running += 1
        group.addTask { try await answers.write(response(to: request, clients)) }
      }
      try await group.waitForAll()
    }
    await clients.shutDown()
    clients.removeFiles()
  }

  /// How many calls are made at a time.
  private static let atOnce = 32

  private static func readRequests(
    into continuation: AsyncThrowingStream<Suite.Request, any Error>.Continuation
  ) {
    do {
      while let request = try SuiteMessages.read(Suite.Request.self) {
        continuation.yield(request)
      }
      continuation.finish()
    } catch {
      continuation.finish(throwing: error)
    }
  }

  private static func response(
    to request: Suite.Request, _ clients: Clients
  ) async -> Suite.Response {
    var response = Suite.Response()
    response.testName = request.testName
    do {
      let call = try SuiteCall(request, client: try clients.client(for: request))
      response.response = try await call.make()
    } catch {
      response.error.message = "\(error)"
    }
    return response
  }
}

/// Writes one message after the other.
private actor Answers {
  func write(_ response: Suite.Response) throws { try SuiteMessages.write(response) }
}
