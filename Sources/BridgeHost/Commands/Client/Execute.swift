internal import ArgumentParser
internal import BridgeProtocol
internal import JSON

/// `bridge-host execute`: runs a tool.
struct Execute: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "execute",
    abstract: "Run a tool and print its result.",
    discussion: """
      A value that is JSON is taken as JSON, anything else as a text; a text that looks like JSON \
      needs quotes of its own.

      Example:
        bridge-host execute scale_variable variable=temperature factor=2
        bridge-host execute echo 'text="42"'
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  @Argument(help: "Name of the tool.")
  var tool: String

  @Argument(help: ArgumentHelp("Its parameters.", valueName: "name=value"))
  var parameters: [ToolArgument] = []

  @Flag(help: "Print what the tool emits, as it does.")
  var stream = false

  func validate() throws {
    var names: Set<String> = []
    for parameter in parameters where !names.insert(parameter.name).inserted {
      throw ValidationError("the parameter \(parameter.name) is given twice")
    }
  }

  func run() throws {
    try client.run { [self] host in
      let request = Snakepit_Bridge_ExecuteToolRequest.with {
        $0.sessionID = session.session
        $0.toolName = tool
        $0.stream = stream
        for parameter in parameters {
          $0.parameters[parameter.name] = .with {
            $0.typeURL = "type.googleapis.com/json"
            $0.value = .init(parameter.value)
          }
        }
      }
      if stream { try await printStream(host, request) } else { try await printOne(host, request) }
    }
  }

  private func printOne(
    _ host: HostClient, _ request: Snakepit_Bridge_ExecuteToolRequest
  ) async throws {
    let answer = try await host.act(BridgeMethods.executeTool, request, unbounded: true)
    if client.json {
      var members: [JSON.Member] = [
        .init(key: "success", value: .boolean(answer.success)),
        .init(key: "result", value: VariableListing.json(Array(answer.result.value))),
        .init(key: "metadata", value: VariableListing.json(answer.metadata)),
        .init(key: "milliseconds", value: .integer(answer.executionTimeMs)),
      ]
      if !answer.success {
        members.append(.init(key: "error", value: .string(answer.errorMessage)))
      }
      if !answer.binaryResult.isEmpty {
        members.append(
          .init(key: "binary_bytes", value: .integer(Int64(answer.binaryResult.count))))
      }
      StandardOutput.writeLine(JSON.object(members).text)
    } else if answer.success {
      StandardOutput.writeLine(VariableListing.json(Array(answer.result.value)).text)
    }
    guard answer.success else { throw PlainError("\(tool) failed: \(answer.errorMessage)") }
  }

  private func printStream(
    _ host: HostClient, _ request: Snakepit_Bridge_ExecuteToolRequest
  ) async throws {
    try await host.stream(BridgeMethods.executeStreamingTool, request) {
      chunk in
      if chunk.isFinal && chunk.data.isEmpty { return true }
      let data = VariableListing.json(Array(chunk.data))
      guard client.json else { return StandardOutput.writeLine(data.text) }
      return StandardOutput.writeLine(
        JSON.object([
          .init(key: "chunk", value: .string(chunk.chunkID)),
          .init(key: "data", value: data),
          .init(key: "final", value: .boolean(chunk.isFinal)),
          .init(key: "metadata", value: VariableListing.json(chunk.metadata)),
        ]).text)
    }
  }
}
