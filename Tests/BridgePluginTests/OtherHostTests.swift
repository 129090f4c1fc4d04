import BridgePluginABI
import Glibc
import Testing

@testable import BridgePlugin

/// Tables of hosts that are not as they should be, and of newer ones.
@Suite(.serialized) struct OtherHostTests {
  /// What a plugin's entry function says against a host.
  private nonisolated(unsafe) static var refusal = ""

  /// A table in which every word is a function that is never called.
  private func table<Table>(
    _: Table.Type, size: Int? = nil, missing: Int? = nil
  ) -> UnsafePointer<Table> {
    let full = MemoryLayout<Table>.size
    let table = UnsafeMutableRawPointer.allocate(byteCount: max(full, size ?? 0), alignment: 8)
    for offset in stride(from: 0, to: max(full, size ?? 0), by: 8) {
      table.storeBytes(of: UInt(0x1000), toByteOffset: offset, as: UInt.self)
    }
    if let missing { table.storeBytes(of: 0, toByteOffset: missing, as: UInt.self) }
    table.storeBytes(of: UInt32(size ?? full), as: UInt32.self)
    return UnsafePointer(table.assumingMemoryBound(to: Table.self))
  }

  private func enter(
    callSize: Int? = nil, missing: Int? = nil, version: UInt32 = BRIDGE_ABI_VERSION,
    hostSize: Int = MemoryLayout<bridge_host>.size, tools: [any ToolDeclaration] = []
  ) -> (status: bridge_status, refusal: String, plugin: UnsafePointer<bridge_plugin>?) {
    var host = bridge_host()
    host.size = UInt32(hostSize)
    host.abi_minimum = version
    host.abi_maximum = version
    host.call = table(bridge_call_api.self, size: callSize, missing: missing)
    host.variables = table(bridge_variables_api.self)
    host.tools = table(bridge_tools_api.self)
    host.refuse = { _, reason in
      OtherHostTests.refusal = String(
        decoding: UnsafeRawBufferPointer(start: reason.data, count: reason.length), as: UTF8.self)
    }
    Self.refusal = ""
    var plugin: UnsafePointer<bridge_plugin>?
    let status = Plugin(name: "p", version: "1", tools: tools).enter(&host, &plugin)
    return (status, Self.refusal, plugin)
  }

  @Test func whatIsNotOfVersionOneIsRefusedInASentence() {
    let short = enter(callSize: 176)
    #expect(short.status == bridge_status(BRIDGE_FAILED_PRECONDITION))
    #expect(short.refusal == "the host's bridge_call_api has 176 bytes, version 1.0 has 184")
    let hole = enter(missing: 40)
    #expect(hole.status == bridge_status(BRIDGE_FAILED_PRECONDITION))
    #expect(hole.refusal == "the host's bridge_call_api lacks the function at byte 40")
    let version = enter(version: 2)
    #expect(version.refusal == "the plugin speaks version 1 of the ABI, the host 2 to 2")
    // It is not even known how it takes a sentence.
    let host = enter(hostSize: 88)
    #expect(host.status == bridge_status(BRIDGE_FAILED_PRECONDITION))
    #expect(host.refusal == "")
  }

  @Test func aNewerHostIsFine() throws {
    let entered = enter(callSize: 400)
    #expect(entered.status == bridge_status(BRIDGE_OK))
    let plugin = try #require(entered.plugin).pointee
    #expect(plugin.size == UInt32(MemoryLayout<bridge_plugin>.size))
    #expect(plugin.tool_count == 0)
  }

  @Test func whatIsNoToolIsRefused() {
    struct Nothing: ToolDeclaration { let description = "Nothing." }
    let entered = enter(tools: [Nothing()])
    #expect(entered.refusal == "Nothing must conform to Tool, ReadOnlyTool or AsyncTool")
  }

  @Test func theFirstReleaseIsWhatTheHeadersSay() {
    #expect(FirstRelease.host == MemoryLayout<bridge_host>.size)
    #expect(FirstRelease.callAPI == MemoryLayout<bridge_call_api>.size)
    #expect(FirstRelease.variablesAPI == MemoryLayout<bridge_variables_api>.size)
    #expect(FirstRelease.toolsAPI == MemoryLayout<bridge_tools_api>.size)
    #expect(FirstRelease.variable == MemoryLayout<bridge_variable>.size)
    #expect(FirstRelease.details == MemoryLayout<bridge_details>.size)
    #expect(FirstRelease.change == MemoryLayout<bridge_change>.size)
  }
}
