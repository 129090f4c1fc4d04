public import BridgePluginABI

// A plugin in Swift over the headers as they were released, without the SDK.

private nonisolated(unsafe) var host: UnsafePointer<bridge_host>!

/// Describes one tool, which adds a number to a variable.
@c(bridge_plugin_entry)
public func enter(
  _ given: UnsafePointer<bridge_host>?,
  _ answer: UnsafeMutablePointer<UnsafePointer<bridge_plugin>?>?
) -> bridge_status {
  guard let given, let answer, given.pointee.abi_minimum <= BRIDGE_ABI_VERSION,
    given.pointee.abi_maximum >= BRIDGE_ABI_VERSION
  else { return bridge_status(BRIDGE_FAILED_PRECONDITION) }
  host = given
  var parameter = bridge_parameter()
  parameter.size = UInt32(MemoryLayout<bridge_parameter>.size)
  parameter.flags = UInt32(BRIDGE_PARAMETER_REQUIRED)
  parameter.name = view("number")
  parameter.type = bridge_type(BRIDGE_TYPE_INTEGER)
  var output = bridge_output()
  output.size = UInt32(MemoryLayout<bridge_output>.size)
  output.type = bridge_type(BRIDGE_TYPE_INTEGER)
  var tool = bridge_tool()
  tool.size = UInt32(MemoryLayout<bridge_tool>.size)
  tool.name = view("frozen_swift_add")
  tool.threading = bridge_threading(BRIDGE_PARALLEL)
  tool.parameters = kept(
    [
      kept(&parameter, MemoryLayout<bridge_parameter>.size).assumingMemoryBound(
        to: bridge_parameter.self)
    ])
  tool.parameter_count = 1
  tool.output = kept(&output, MemoryLayout<bridge_output>.size)
    .assumingMemoryBound(to: bridge_output.self)
  tool.run = add
  var plugin = bridge_plugin()
  plugin.size = UInt32(MemoryLayout<bridge_plugin>.size)
  plugin.abi_version = BRIDGE_ABI_VERSION
  plugin.name = view("frozen_swift")
  plugin.version = view("1.0")
  plugin.tools = kept(
    [kept(&tool, MemoryLayout<bridge_tool>.size).assumingMemoryBound(to: bridge_tool.self)])
  plugin.tool_count = 1
  answer.pointee = kept(&plugin, MemoryLayout<bridge_plugin>.size)
    .assumingMemoryBound(to: bridge_plugin.self)
  return bridge_status(BRIDGE_OK)
}

/// Adds a number to the variable `counter`, with a buffer no larger than the struct was.
private func add(
  context: UnsafeMutableRawPointer?, call: OpaquePointer?, variables: OpaquePointer?
) -> bridge_status {
  var number = bridge_value()
  var status = host.pointee.call.pointee.parameter(call, view("number"), &number)
  if status != BRIDGE_OK { return status }
  var snapshot: OpaquePointer?
  status = host.pointee.variables.pointee.get(
    variables, view("counter"), UInt32(BRIDGE_WITH_DETAILS), &snapshot)
  if status != BRIDGE_OK { return status }
  let size = MemoryLayout<bridge_variable>.size
  let memory = UnsafeMutableRawPointer.allocate(byteCount: size + 64, alignment: 8)
  memory.initializeMemory(as: UInt8.self, repeating: 0xAA, count: size + 64)
  defer { memory.deallocate() }
  let seen = memory.assumingMemoryBound(to: bridge_variable.self)
  seen.pointee.size = UInt32(size)
  status = host.pointee.variables.pointee.read(snapshot, seen)
  if status != BRIDGE_OK { return status }
  let guards = UnsafeRawBufferPointer(start: memory + size, count: 64)
  guard guards.allSatisfy({ $0 == 0xAA }), seen.pointee.details != nil else {
    return bridge_status(BRIDGE_DATA_LOSS)
  }
  var write = bridge_write()
  write.size = UInt32(MemoryLayout<bridge_write>.size)
  write.identifier = view("counter")
  write.value.type = bridge_type(BRIDGE_TYPE_INTEGER)
  write.value.as.integer = seen.pointee.value.as.integer + number.as.integer
  write.expected_version = seen.pointee.version
  status = host.pointee.variables.pointee.set(variables, &write, nil)
  if status != BRIDGE_OK { return status }
  return host.pointee.call.pointee.result(call, &write.value)
}

/// Text that stays.
private func view(_ text: StaticString) -> bridge_str {
  bridge_str(
    data: UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self),
    length: text.utf8CodeUnitCount)
}

/// Pointers at a place that stays.
private func kept<Struct>(_ pointers: [UnsafePointer<Struct>]) -> UnsafePointer<
  UnsafePointer<Struct>?
> {
  let place = UnsafeMutablePointer<UnsafePointer<Struct>?>.allocate(capacity: pointers.count)
  for (index, pointer) in pointers.enumerated() { (place + index).initialize(to: pointer) }
  return UnsafePointer(place)
}

/// A struct at a place that stays. Not generic: under a host in Swift with newer headers, what generic code
/// takes for a type's size is theirs.
private func kept(_ bytes: UnsafeRawPointer, _ size: Int) -> UnsafeRawPointer {
  let place = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
  place.copyMemory(from: bytes, byteCount: size)
  return UnsafeRawPointer(place)
}
