import BridgeSessions
import Testing

@testable import BridgeHost

/// The command lines that versions of Snakepit make.
@Suite struct WorkerArgumentsTests {
  private func complete(_ arguments: String..., environment: [String: String] = [:]) -> [String] {
    WorkerArguments.complete(arguments, WorkerEnvironment { environment[$0] })
  }

  private let usual = ["--grace", "2", "--isolation", "in-process", "--exit-on-stdin-eof"]

  @Test func aScriptStandsForTheCommand() {
    #expect(WorkerArguments.areStart(["/app/grpc_server.py", "--port", "0"]))
    #expect(WorkerArguments.areStart(["", "--port", "0"]))
    #expect(!WorkerArguments.areStart(["serve"]))
    #expect(!WorkerArguments.areStart([]))
    #expect(WorkerArguments.withoutScript(["", "x.py", "--port", "0"]) == ["--port", "0"])
    #expect(WorkerArguments.withoutScript(["--config", "x.py"]) == ["--config", "x.py"])
  }

  @Test func bookkeepingIsPassedOver() {
    #expect(
      complete(
        "--port", "0", "--snakepit-run-id", "a", "--snakepit-instance-name=b",
        "--snakepit-instance-token", "--c", "--host", "::1") == usual + [
          "--port", "0", "--host", "::1",
        ])
  }

  @Test func unknownBookkeepingIsToldOf() {
    #expect(
      complete("--snakepit-new", "--port", "0", "--snakepit-newer", "x", "--snakepit-newest=y")
        == usual + [
          "--port", "0", "--ignored-option", "snakepit-new", "--ignored-option", "snakepit-newer",
          "--ignored-option", "snakepit-newest",
        ])
  }

  @Test func optionsCountMoreThanTheEnvironment() {
    let environment = [
      "SNAKEPIT_LOG_LEVEL": "WARNING", "BRIDGE_HOST_PLUGINS": "/p", "SNAKEPIT_GRPC_ADDRESS": "e:1",
    ]
    #expect(
      complete(environment: environment) == [
        "--grace", "2", "--isolation", "in-process", "--log-level", "warning", "--plugins", "/p",
        "--elixir-address", "e:1", "--exit-on-stdin-eof",
      ])
    let given = [
      "--grace=1", "--isolation", "child", "--log-level", "none", "--plugins", "/q",
      "--elixir-address", "f:1", "--no-exit-on-stdin-eof",
    ]
    #expect(WorkerArguments.complete(given, WorkerEnvironment { environment[$0] }) == given)
  }

  @Test func whatVersionsReadIsToldByTheirStart() throws {
    func answers(_ environment: [String: String]) -> (json: Bool, lastChunk: Bool) {
      let style = Worker.answers(WorkerEnvironment { environment[$0] })
      #expect(style.failsInAnswers && style.alwaysHasResult && style.form == .snakepitURL)
      return (style.describesErrorsInJSON, style.endsStreamsWithResult)
    }
    #expect(answers([:]) == (false, false))
    #expect(answers(["SNAKEPIT_READY_FILE": ""]) == (false, false))
    #expect(answers(["SNAKEPIT_HEARTBEAT_CONFIG": "{}"]) == (false, true))
    #expect(answers(["SNAKEPIT_READY_FILE": "/f"]) == (true, true))
  }

  @Test func theCommandTakesOptionsOfServe() throws {
    let worker = try Worker.parse(["--tool-threads", "7", "--worker-id", "w", "--port", "0"])
    #expect(worker.serve.toolThreads == 7)
    #expect(worker.workerId == "w")
    #expect(throws: (any Error).self) { try Worker.parse(["--elixir-address", "localhost:0"]) }
    #expect(throws: (any Error).self) { try Worker.parse(["--max-workers", "0"]) }
  }
}
