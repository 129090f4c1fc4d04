internal import ArgumentParser
internal import BridgeTestHost
internal import Glibc
internal import Synchronization
internal import Threads

/// `bridge-host test-host`: a test host for languages that call no C functions.
struct TestHostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test-host",
    abstract: "Be the host of plugins in memory that a test library of another language talks to.",
    discussion: """
      Reads requests from standard input, a line each: a word that names the request, a space, and a JSON object \
      as docs/testing.md lists them. The answer is a line on standard output with the same word. Requests are \
      served at once, each on a thread of its own, so answers may come in another order. It ends with its input.

      Example:
        printf '%s\\n' '1 {"do": "load", "path": "./libweather.so"}' \\
          '2 {"do": "call", "tool": "forecast", "arguments": {"days": 3}}' | bridge-host test-host
      """)

  @Option(
    help: ArgumentHelp(
      "What the host is to be like: {\"clock\": \"sleeping\"}, as docs/testing.md lists it.",
      valueName: "json"))
  var options = "{}"

  func run() throws {
    let host = try failingPlainly { TestHost(try TestHost.Configuration(json: options)) }
    let requests = TestHostRequests(host)
    // What plugins print is no answer.
    let output = dup(STDOUT_FILENO)
    dup2(STDERR_FILENO, STDOUT_FILENO)
    let writing = Mutex(())
    let running = RunningRequests()
    while let line = readLine() {
      let (name, request) = Self.split(line)
      running.begin()
      let serve: @Sendable () -> Void = {
        let answer = "\(name) \(requests.answer(request))\n"
        // Nobody reads any more: the input ends, too.
        writing.withLock { _ in _ = writeWhole(Array(answer.utf8), to: output) }
        running.end()
      }
      if !startThread(named: "request", serve) { serve() }
    }
    running.wait()
  }

  /// The word that names a request, and the request.
  private static func split(_ line: String) -> (name: Substring, request: String) {
    let end = line.firstIndex(of: " ") ?? line.endIndex
    return (line[..<end], String(line[end...].drop { $0 == " " }))
  }
}

/// Counts requests that are being served.
private final class RunningRequests: Sendable {
  private let condition = Condition()
  private let count = Atomic<Int>(0)

  func begin() { count.add(1, ordering: .relaxed) }

  func end() {
    condition.withLock {
      if count.subtract(1, ordering: .relaxed).newValue == 0 { condition.broadcast() }
    }
  }

  func wait() {
    condition.withLock { while count.load(ordering: .relaxed) > 0 { condition.wait() } }
  }
}
