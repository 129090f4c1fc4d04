internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools
internal import Synchronization

/// A tool of a plugin's shared object.
// @unchecked: the descriptor is the plugin's, which promises that it stays as it is.
final class PluginTool: Tool, @unchecked Sendable {
  let description: ToolDescription
  private let descriptor: bridge_tool
  private let instance: PluginInstance
  private let mark: ProcessGuard.Mark

  /// What a plugin says of a tool.
  struct Declaration {
    fileprivate var descriptor = bridge_tool()
    let description: ToolDescription

    init(
      reading pointer: UnsafePointer<bridge_tool>, plugin: String
    ) throws(PluginError) {
      try ABIStruct.read(
        pointer, into: &descriptor, MemoryLayout<bridge_tool>.size, "bridge_tool",
        released: ABIStruct.Released.tool)
      description = try PluginTool.describe(descriptor, plugin: plugin)
    }
  }

  /// - Parameters:
  ///   - name: That it is served by.
  ///   - allowsInline: Whether it may run on event loops if it says that it is quick.
  init(
    _ declaration: Declaration, as name: String, _ instance: PluginInstance, allowsInline: Bool
  ) {
    descriptor = declaration.descriptor
    self.instance = instance
    var description = declaration.description
    description.name = name
    if !allowsInline { description.execution = .pool }
    self.description = description
    mark = ProcessGuard.Mark(tool: description.name)
    ProcessGuard.shared.add(mark)
  }

  /// Where its function is, for who tells of it.
  var function: UInt {
    descriptor.run.map { UInt(bitPattern: unsafeBitCast($0, to: Int.self)) }
      ?? UInt(bitPattern: unsafeBitCast(descriptor.run_read_only!, to: Int.self))
  }

  func run(_ call: ToolCall) {
    // What returns is looked after; what completes its call elsewhere may end after it.
    instance.enter()
    defer { instance.leave() }
    PluginCall(call, of: instance).run(descriptor, looks: looks(after: call))
    ProcessGuard.shared.lookNowAndThen(after: mark, instance.logger)
  }

  /// Calls after which everything is looked at that the tool may change of its thread: what it does always
  /// shows in these.
  private static let firstCalls = 32
  private let callsToLookAfter = Atomic<Int>(firstCalls)

  /// Whether to look at everything after a call. A quick tool on an event loop is trusted once it has been
  /// looked at, but for the looks that `PluginCode.run` takes anyway.
  private func looks(after call: ToolCall) -> Bool {
    if call.mayBlock || instance.hasChangedSignals { return true }
    guard callsToLookAfter.load(ordering: .relaxed) > 0 else { return false }
    callsToLookAfter.subtract(1, ordering: .relaxed)
    return true
  }

  // MARK: Reading

  fileprivate static func describe(
    _ tool: bridge_tool, plugin: String
  ) throws(PluginError) -> ToolDescription {
    let name = try Plugin.checkedName(tool.name, "a tool of \(plugin)")
    do throws(PluginError) {
      return try describe(tool, name, plugin)
    } catch {
      throw PluginError("tool \(name): \(error)")
    }
  }

  private static func describe(
    _ tool: bridge_tool, _ name: String, _ plugin: String
  ) throws(PluginError) -> ToolDescription {
    guard (tool.run == nil) != (tool.run_read_only == nil) else {
      throw PluginError("exactly one of run and run_read_only must be set")
    }
    try ABIStruct.check(
      flags: tool.flags,
      known: [
        Int(BRIDGE_TOOL_STREAMS), Int(BRIDGE_TOOL_DESTRUCTIVE), Int(BRIDGE_TOOL_IDEMPOTENT),
        Int(BRIDGE_TOOL_OPEN_WORLD), Int(BRIDGE_TOOL_ATOMIC), Int(BRIDGE_TOOL_QUICK),
      ], "bridge_tool.flags")
    func has(_ flag: Int) -> Bool { tool.flags & UInt32(flag) != 0 }
    var parameters: [ParameterDescription] = []
    let list = try ABIStruct.list(tool.parameters, tool.parameter_count, "parameters")
    for (index, parameter) in list.enumerated() {
      guard let parameter else { throw PluginError("parameter \(index) is NULL") }
      parameters.append(try Self.parameter(parameter))
    }
    if let twice = firstDuplicate(parameters.map(\.name)) {
      throw PluginError("the parameter \(twice) is declared twice")
    }
    var description = ToolDescription(
      name: name, description: try Plugin.text(tool.description, "the description"),
      parameters: parameters, plugin: plugin)
    description.title = try Plugin.text(tool.title, "the title")
    description.streams = has(Int(BRIDGE_TOOL_STREAMS))
    description.isDestructive = has(Int(BRIDGE_TOOL_DESTRUCTIVE))
    description.isIdempotent = has(Int(BRIDGE_TOOL_IDEMPOTENT))
    description.isOpenWorld = has(Int(BRIDGE_TOOL_OPEN_WORLD))
    description.isAtomic = has(Int(BRIDGE_TOOL_ATOMIC))
    description.isReadOnly = tool.run_read_only != nil
    if has(Int(BRIDGE_TOOL_QUICK)) { description.execution = .inline }
    switch Int(tool.threading) {
    case Int(BRIDGE_SERIAL): description.concurrency = .serial
    case Int(BRIDGE_PARALLEL):
      if tool.concurrency > 0 { description.concurrency = .limited(Int(tool.concurrency)) }
    default: throw PluginError("it has the unknown threading \(tool.threading)")
    }
    description.output = try tool.output.map { output throws(PluginError) in
      try Self.output(output)
    }
    description.reads = try texts(tool.reads, tool.read_count, "reads")
    description.writes = try texts(tool.writes, tool.write_count, "writes")
    return description
  }

  private static func parameter(
    _ pointer: UnsafePointer<bridge_parameter>
  ) throws(PluginError) -> ParameterDescription {
    var parameter = bridge_parameter()
    try ABIStruct.read(
      pointer, into: &parameter, MemoryLayout<bridge_parameter>.size, "bridge_parameter",
      released: ABIStruct.Released.parameter)
    let name = try Plugin.checkedName(parameter.name, "a parameter")
    do {
      try ABIStruct.check(
        flags: parameter.flags, known: [Int(BRIDGE_PARAMETER_REQUIRED)], "bridge_parameter.flags")
      try ABIStruct.check(reserved: parameter.reserved, "bridge_parameter.reserved")
      guard let type = ToolType(abi: parameter.type) else {
        throw PluginError("it has the unknown type \(parameter.type)")
      }
      return try ParameterDescription(
        name: name, description: try Plugin.text(parameter.description, "the description"),
        type: type, isRequired: parameter.flags & UInt32(BRIDGE_PARAMETER_REQUIRED) != 0,
        defaultValue: try parameter.default_value.map { try defaultValue($0, as: type) },
        constraintsJSON: try Plugin.text(parameter.constraints, "the constraints"),
        schemaJSON: try Plugin.text(parameter.schema, "the schema"))
    } catch {
      throw PluginError("parameter \(name): \(error)")
    }
  }

  private static func output(
    _ pointer: UnsafePointer<bridge_output>
  ) throws(PluginError) -> OutputDescription {
    var output = bridge_output()
    try ABIStruct.read(
      pointer, into: &output, MemoryLayout<bridge_output>.size, "bridge_output",
      released: ABIStruct.Released.output)
    do {
      let type = ToolType(abi: output.type)
      guard type != nil || output.type == bridge_type(BRIDGE_TYPE_NULL) else {
        throw PluginError("it has the unknown type \(output.type)")
      }
      return try OutputDescription(
        type: type, description: try Plugin.text(output.description, "the description"),
        constraintsJSON: try Plugin.text(output.constraints, "the constraints"),
        schemaJSON: try Plugin.text(output.schema, "the schema"))
    } catch {
      throw PluginError("its output: \(error)")
    }
  }

  private static func defaultValue(
    _ pointer: UnsafePointer<bridge_value>, as type: ToolType
  ) throws -> ToolValue {
    let value = try ToolValue(copying: pointer)
    switch (type, value) {
    case (.value(let type), _): return .value(try value.converted(to: type), type)
    case (.bytes, .bytes), (.any, .json): return value
    case (.object, .json(let text, _)), (.array, .json(let text, _)):
      return .json(try CheckedJSON.check(text, is: type), type)
    default: throw PluginError("its default is of type \(value.typeName)")
    }
  }

  private static func texts(
    _ list: UnsafePointer<bridge_str>?, _ count: Int, _ what: StaticString
  ) throws(PluginError) -> [String] {
    var texts: [String] = []
    for view in try ABIStruct.list(list, count, what) {
      texts.append(try Plugin.text(view, "one of its \(what)"))
    }
    return texts
  }

  private static func firstDuplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}
