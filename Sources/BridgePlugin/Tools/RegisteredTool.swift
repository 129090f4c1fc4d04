internal import BridgePluginABI

/// A tool as the host knows it: its description, and how to run it.
///
/// One is made for each tool when the plugin is entered, and stays.
final class RegisteredTool: Sendable {
  /// The three ways to run.
  enum Body: Sendable {
    case synchronous(@Sendable (ToolCall) throws -> ToolValue)
    case readOnly(@Sendable (ReadOnlyToolCall) throws -> ToolValue)
    case asynchronous(@Sendable (ToolCall) async throws -> ToolValue)
  }

  let host: HostTables
  let declaration: any ToolDeclaration
  private let parameters: [any DeclaredParameter]
  /// What reads the parameters from a call, the last one first.
  let readers: [ParameterReader]
  let body: Body

  init(_ tool: any ToolDeclaration, host: HostTables) throws(ToolError) {
    self.host = host
    declaration = tool
    parameters = declaredParameters(of: tool)
    readers = parameters.reversed().map(\.reader)
    switch tool {
    case let tool as any Tool: body = Self.body(tool)
    case let tool as any ReadOnlyTool: body = Self.body(tool)
    case let tool as any AsyncTool: body = Self.body(tool)
    default:
      throw ToolError(
        .failedPrecondition,
        "\(type(of: tool)) must conform to Tool, ReadOnlyTool or AsyncTool")
    }
  }

  private static func body(_ tool: some Tool) -> Body {
    .synchronous { call in tool.toolValue(of: try tool.run(call)) }
  }

  private static func body(_ tool: some ReadOnlyTool) -> Body {
    .readOnly { call in tool.toolValue(of: try tool.run(call)) }
  }

  private static func body(_ tool: some AsyncTool) -> Body {
    .asynchronous { call in tool.toolValue(of: try await tool.run(call)) }
  }

  /// Writes the description. The context is this object, which from now on is never released.
  func describe(in arena: inout Arena) -> bridge_tool {
    var tool = bridge_tool()
    tool.size = UInt32(MemoryLayout<bridge_tool>.size)
    tool.name = arena.view(declaration.name)
    tool.title = arena.view(declaration.title)
    tool.description = arena.view(declaration.description)
    tool.flags = declaration.traits.rawValue
    tool.threading = declaration.threading.rawValue
    tool.concurrency = UInt32(clamping: declaration.concurrencyLimit ?? 0)
    if declaration.output.isDeclared {
      var output = declaration.output.describe(in: &arena)
      tool.output = arena.place(&output, MemoryLayout<bridge_output>.size)
        .assumingMemoryBound(to: bridge_output.self)
    }
    let descriptions = parameters.map { parameter -> UnsafePointer<bridge_parameter>? in
      var view = parameter.describe(in: &arena)
      return arena.place(&view, MemoryLayout<bridge_parameter>.size)
        .assumingMemoryBound(to: bridge_parameter.self)
    }
    tool.parameters = arena.place(descriptions)
    tool.parameter_count = descriptions.count
    let reads = declaration.reads.map { arena.view($0) }
    tool.reads = arena.place(reads)
    tool.read_count = reads.count
    let writes = declaration.writes.map { arena.view($0) }
    tool.writes = arena.place(writes)
    tool.write_count = writes.count
    tool.context = Unmanaged.passRetained(self).toOpaque()
    if case .readOnly = body {
      tool.run_read_only = runTool
    } else {
      tool.run = runTool
    }
    return tool
  }
}
