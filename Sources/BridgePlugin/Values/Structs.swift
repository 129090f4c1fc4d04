internal import BridgePluginABI

// Structs of the host, which may know less or more of them than this SDK.
//
// Nothing here is generic over them, nor are their uses elsewhere: where a host in Swift shares its runtime
// with the plugin, types of the same names are the host's, and what generic code takes for their size may be
// that of the headers that the host was built with.

/// The size that the other side has set in a struct, its first member.
func sizeOf(_ pointer: UnsafeRawPointer) -> Int { Int(pointer.load(as: UInt32.self)) }

/// Copies a struct of the host as far as both sides know it. The size stays what the host has set.
///
/// - Parameters:
///   - copy: The SDK's own struct, which is all zero.
///   - known: Its size.
func copyTold(_ pointer: UnsafeRawPointer, into copy: UnsafeMutableRawPointer, _ known: Int) {
  copy.copyMemory(from: pointer, byteCount: min(sizeOf(pointer), known))
}

/// A copy of the host's table, as far as both sides know it.
func told(_ pointer: UnsafePointer<bridge_host>) -> bridge_host {
  var copy = bridge_host()
  copyTold(pointer, into: &copy, MemoryLayout<bridge_host>.size)
  return copy
}

/// A copy of a variable, as far as both sides know it.
func told(_ pointer: UnsafePointer<bridge_variable>) -> bridge_variable {
  var copy = bridge_variable()
  copyTold(pointer, into: &copy, MemoryLayout<bridge_variable>.size)
  return copy
}

/// A copy of details, as far as both sides know them.
func told(_ pointer: UnsafePointer<bridge_details>) -> bridge_details {
  var copy = bridge_details()
  copyTold(pointer, into: &copy, MemoryLayout<bridge_details>.size)
  return copy
}

/// A copy of a change, as far as both sides know it.
func told(_ pointer: UnsafePointer<bridge_change>) -> bridge_change {
  var copy = bridge_change()
  copyTold(pointer, into: &copy, MemoryLayout<bridge_change>.size)
  return copy
}

/// A copy of an error, as far as both sides know it.
func told(_ pointer: UnsafePointer<bridge_error>) -> bridge_error {
  var copy = bridge_error()
  copyTold(pointer, into: &copy, MemoryLayout<bridge_error>.size)
  return copy
}
