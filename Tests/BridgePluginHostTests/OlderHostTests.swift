import BridgePluginABI
import Glibc
import Testing

/// The tables of hosts that are older than a plugin.
extension TestPluginSuites {
  @Suite struct OlderHostTests {
    /// What a plugin's entry function says against a host.
    private nonisolated(unsafe) static var refusal = ""

    /// A table of the present size in which every word is a function that is never called.
    private func table(size: Int, of full: Int) -> UnsafeMutableRawPointer {
      let table = UnsafeMutableRawPointer.allocate(byteCount: full, alignment: 8)
      for offset in stride(from: 0, to: full, by: 8) {
        table.storeBytes(of: UInt(0x1000), toByteOffset: offset, as: UInt.self)
      }
      table.storeBytes(of: size, as: Int.self)
      return table
    }

    private func enter(_ library: String, callSize: Int, missing: Int? = nil) -> (
      bridge_status, String
    ) {
      let handle = dlopen("\(Plugins.directory)/\(library)", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)
      let symbol = dlsym(handle, BRIDGE_PLUGIN_ENTRY)
      let entry = unsafeBitCast(symbol, to: bridge_plugin_entry_function.self)
      let call = table(size: callSize, of: MemoryLayout<bridge_call_api>.size)
      if let missing { call.storeBytes(of: 0, toByteOffset: missing, as: UInt.self) }
      let variablesSize = MemoryLayout<bridge_variables_api>.size
      let variables = table(size: variablesSize, of: variablesSize)
      defer {
        call.deallocate()
        variables.deallocate()
      }
      var host = bridge_host()
      host.size = MemoryLayout<bridge_host>.size
      host.abi_minimum = BRIDGE_ABI_VERSION
      host.abi_maximum = BRIDGE_ABI_VERSION
      host.call = UnsafePointer(call.assumingMemoryBound(to: bridge_call_api.self))
      host.variables = UnsafePointer(variables.assumingMemoryBound(to: bridge_variables_api.self))
      host.refuse = { _, reason in
        OlderHostTests.refusal = String(
          decoding: UnsafeRawBufferPointer(start: reason.data, count: reason.length), as: UTF8.self)
      }
      Self.refusal = ""
      var plugin: UnsafePointer<bridge_plugin>?
      let status = entry(&host, &plugin)
      return (status, Self.refusal)
    }

    @Test func aSwiftPluginRefusesThemInASentence() {
      // The table of the first hosts ended before `on_cancel`.
      let first = MemoryLayout<bridge_call_api>.offset(of: \.on_cancel)!
      #expect(first == 144)
      let (status, reason) = enter("libExampleTools.so", callSize: first)
      #expect(status == bridge_status(BRIDGE_FAILED_PRECONDITION))
      #expect(reason.contains("the host is older than the plugin"))
      #expect(reason.contains("144 bytes"))
      let (odd, hole) = enter(
        "libExampleTools.so", callSize: MemoryLayout<bridge_call_api>.size, missing: 40)
      #expect(odd == bridge_status(BRIDGE_FAILED_PRECONDITION))
      #expect(hole == "the host's bridge_call_api lacks the function at byte 40")
    }
  }
}
