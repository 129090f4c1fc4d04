internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

/// A tool of a plugin's shared object.
// @unchecked: the descriptor is the plugin's, which promises that it stays as it is.
struct PluginTool: Tool, @unchecked Sendable {
  let description: ToolDescription
  private let descriptor: UnsafePointer<bridge_tool>

  init(
    reading descriptor: UnsafePointer<bridge_tool>, plugin: String
  ) throws(PluginError) {
    self.descriptor = descriptor
    let tool = descriptor.pointee
    guard tool.size >= MemoryLayout<bridge_tool>.size else {
      throw PluginError(
        "bridge_tool.size is \(tool.size), not \(MemoryLayout<bridge_tool>.size)")
    }
    let name = try Plugin.checkedName(tool.name, "a tool of \(plugin)")
    guard (tool.run == nil) != (tool.run_read_only == nil) else {
      throw PluginError("tool \(name) must set exactly one of run and run_read_only")
    }
    guard tool.threading == UInt32(BRIDGE_SERIAL) || tool.threading == UInt32(BRIDGE_PARALLEL)
    else { throw PluginError("tool \(name) has the unknown threading \(tool.threading)") }
    guard tool.parameter_count == 0 || tool.parameters != nil,
      tool.read_count == 0 || tool.reads != nil, tool.write_count == 0 || tool.writes != nil
    else { throw PluginError("tool \(name) has a count without a list") }

    var parameters: [ParameterDescription] = []
    for index in 0..<Int(tool.parameter_count) {
      guard let parameter = tool.parameters[index] else {
        throw PluginError("parameter \(index) of tool \(name) is NULL")
      }
      parameters.append(try Self.read(parameter, tool: name))
    }
    if let twice = Self.firstDuplicate(parameters.map(\.name)) {
      throw PluginError("tool \(name) declares the parameter \(twice) twice")
    }
    var description = ToolDescription(
      name: name, description: try Plugin.text(tool.description, "the description of \(name)"),
      parameters: parameters, plugin: plugin)
    description.streams = tool.flags & UInt32(BRIDGE_TOOL_STREAMS) != 0
    description.isDestructive = tool.flags & UInt32(BRIDGE_TOOL_DESTRUCTIVE) != 0
    description.isIdempotent = tool.flags & UInt32(BRIDGE_TOOL_IDEMPOTENT) != 0
    description.isReadOnly = tool.run_read_only != nil
    if tool.threading == UInt32(BRIDGE_SERIAL) { description.concurrency = .serial }
    description.reads = try Self.texts(tool.reads, tool.read_count, "reads of \(name)")
    description.writes = try Self.texts(tool.writes, tool.write_count, "writes of \(name)")
    self.description = description
  }

  func run(_ call: ToolCall) {
    PluginCall(call).run { handle, variables in
      if let run = descriptor.pointee.run {
        return run(descriptor.pointee.context, handle, variables)
      }
      return descriptor.pointee.run_read_only(descriptor.pointee.context, handle, variables)
    }
  }

  private static func read(
    _ pointer: UnsafePointer<bridge_parameter>, tool: String
  ) throws(PluginError) -> ParameterDescription {
    let parameter = pointer.pointee
    guard parameter.size >= MemoryLayout<bridge_parameter>.size else {
      throw PluginError(
        "bridge_parameter.size is \(parameter.size), not \(MemoryLayout<bridge_parameter>.size)")
    }
    let name = try Plugin.checkedName(parameter.name, "a parameter of \(tool)")
    guard let type = ToolType(abi: parameter.type) else {
      throw PluginError("parameter \(name) of \(tool) has the unknown type \(parameter.type)")
    }
    do {
      let defaultValue = try parameter.default_value.map {
        try self.defaultValue($0, as: type)
      }
      return try ParameterDescription(
        name: name,
        description: try Plugin.text(parameter.description, "the description of \(name)"),
        type: type,
        isRequired: parameter.flags & UInt32(BRIDGE_PARAMETER_REQUIRED) != 0,
        defaultValue: defaultValue,
        constraintsJSON: try Plugin.text(parameter.constraints, "the constraints of \(name)"))
    } catch {
      throw PluginError("parameter \(name) of \(tool): \(error)")
    }
  }

  private static func defaultValue(
    _ pointer: UnsafePointer<bridge_value>, as type: ToolType
  ) throws -> ToolValue {
    let value = try ToolValue(copying: pointer)
    if case .value(let type) = type { return .value(try value.converted(to: type), type) }
    return value
  }

  private static func texts(
    _ list: UnsafePointer<bridge_str>?, _ count: Int, _ what: String
  ) throws(PluginError) -> [String] {
    var texts: [String] = []
    for index in 0..<count { texts.append(try Plugin.text(list![index], "one of the \(what)")) }
    return texts
  }

  private static func firstDuplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}
