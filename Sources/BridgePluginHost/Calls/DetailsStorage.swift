internal import BridgePluginABI
internal import BridgeSessions
internal import BridgeTools

/// Keeps alive what a `bridge_details` handed to a plugin points to, and itself in place.
// @unchecked: written in `init` only.
final class DetailsStorage: @unchecked Sendable {
  let pointer: UnsafePointer<bridge_details>
  private let place: UnsafeMutableRawPointer
  private let writer, constraints: [UInt8]
  private let metadata: PairStorage

  init(_ variable: VariableSnapshot) {
    writer = Array(variable.writer.utf8)
    constraints = Array(variable.constraintsJSON.utf8)
    metadata = PairStorage(variable.metadata)
    var details = bridge_details()
    details.size = UInt32(MemoryLayout<bridge_details>.size)
    details.written_at = variable.updatedAt
    details.writer = writer.abiView
    details.constraints = constraints.abiView
    (details.metadata, details.metadata_count) = (metadata.pointer, metadata.count)
    let size = MemoryLayout<bridge_details>.size
    place = .allocate(byteCount: size, alignment: 8)
    place.copyMemory(from: &details, byteCount: size)
    pointer = UnsafeRawPointer(place).assumingMemoryBound(to: bridge_details.self)
  }

  deinit { place.deallocate() }
}

/// Keeps alive the pairs of metadata handed to a plugin.
// The pointers go into the heap storage of arrays, which stays in place for as long as this object
// holds them and nobody writes to them.
final class PairStorage: Sendable {
  private let texts: [[UInt8]]
  private let pairs: [UInt8]
  let count: Int

  init(_ metadata: VariableMetadata) {
    let texts = metadata.sorted.flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
    self.texts = texts
    count = metadata.entries.count
    pairs = (0..<metadata.entries.count).flatMap { index in
      let pair = bridge_pair(key: texts[2 * index].abiView, value: texts[2 * index + 1].abiView)
      return withUnsafeBytes(of: pair) { Array($0) }
    }
  }

  /// NULL for none.
  var pointer: UnsafePointer<bridge_pair>? {
    if count == 0 { return nil }
    return pairs.withUnsafeBytes { $0.baseAddress?.assumingMemoryBound(to: bridge_pair.self) }
  }
}
