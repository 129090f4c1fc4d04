internal import ArgumentParser
internal import BridgeProtocol
internal import GRPC
internal import JSON

/// `bridge-host execute`: runs a tool.
struct Execute: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "execute",
    abstract: "Run a tool and print its result.",
    discussion: """
      Values are taken as the types that the tool declares: a text needs no quotes, everything else \
      is JSON. What a tool that streams emits is printed as it comes.

      Example:
        bridge-host execute scale_variable variable=temperature factor=2
        bridge-host execute echo text=42
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  @Argument(help: "Name of the tool.")
  var tool: String

  @Argument(help: ArgumentHelp("Its parameters.", valueName: "name=value"))
  var parameters: [ToolArgument] = []

  @Flag(
    inversion: .prefixedNo,
    help: "Print what the tool emits, as it does. (default: as the tool declares)")
  var stream: Bool?

  func validate() throws {
    var names: Set<String> = []
    for parameter in parameters where !names.insert(parameter.name).inserted {
      throw ValidationError("the parameter \(parameter.name) is given twice")
    }
  }

  func run() throws {
    try client.run { [self] host in
      let declared = try await declaration(host)
      let stream = stream ?? declared?.supportsStreaming ?? false
      let request = Snakepit_Bridge_ExecuteToolRequest.with {
        $0.sessionID = session.session
        $0.toolName = tool
        $0.stream = stream
        for parameter in parameters { add(parameter, declared, to: &$0) }
      }
      if stream { try await printStream(host, request) } else { try await printOne(host, request) }
    }
  }

  /// What the tool says of itself; nil when the host does not know the tool, or is too old to say.
  private func declaration(_ host: HostClient) async throws -> Snakepit_Bridge_ToolSpec? {
    do {
      let request = BridgeHost_V1_ListToolsRequest.with { $0.names = [tool] }
      return try await host.read(ToolAdminMethods.listTools, request).tools.first
    } catch let error as RPCError where error.code == .unimplemented {
      return nil
    }
  }

  private func add(
    _ parameter: ToolArgument, _ declared: Snakepit_Bridge_ToolSpec?,
    to request: inout Snakepit_Bridge_ExecuteToolRequest
  ) {
    let type = declared?.parameters.first { $0.name == parameter.name }?.type
    if type == "bytes" {
      request.binaryParameters[parameter.name] = .init(parameter.text.utf8)
      return
    }
    request.parameters[parameter.name] = .with {
      $0.typeURL = "type.googleapis.com/json"
      $0.value = .init(ArgumentText.json(parameter.text, as: type ?? "any").utf8)
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
      try StandardOutput.writeLine(JSON.object(members).text)
    } else if answer.success {
      try StandardOutput.writeLine(VariableListing.json(Array(answer.result.value)).text)
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
      guard client.json else {
        try StandardOutput.writeLine(data.text)
        return true
      }
      try StandardOutput.writeLine(
        JSON.object([
          .init(key: "chunk", value: .string(chunk.chunkID)),
          .init(key: "data", value: data),
          .init(key: "final", value: .boolean(chunk.isFinal)),
          .init(key: "metadata", value: VariableListing.json(chunk.metadata)),
        ]).text)
      return true
    }
  }
}
