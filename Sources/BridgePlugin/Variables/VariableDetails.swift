internal import BridgePluginABI

/// What is known of a version of a variable beside its value.
public struct VariableDetails: Sendable, Hashable {
  /// Who wrote the version: `tool:scale`, `elixir`.
  public let writer: String
  /// When, in nanoseconds since 1970 UTC.
  public let writtenAt: Int64
  /// What restricts the variable's values, an object as `create` takes it; nil where nothing does.
  public let constraints: JSONText?
  /// The variable's metadata, overlaid with that of the write.
  public let metadata: [String: String]

  /// Copies what the host shows; nil for what contradicts itself.
  init?(_ details: UnsafePointer<bridge_details>) {
    guard sizeOf(details) >= FirstRelease.details else { return nil }
    let seen = told(details)
    writer = String(seen.writer)
    writtenAt = seen.written_at
    constraints =
      seen.constraints.bytes.isEmpty ? nil : JSONText(String(seen.constraints), kind: .object)
    metadata = dictionary(seen.metadata, seen.metadata_count)
  }
}

/// Copies metadata.
func dictionary(_ pairs: UnsafePointer<bridge_pair>?, _ count: Int) -> [String: String] {
  var dictionary: [String: String] = [:]
  for pair in UnsafeBufferPointer(start: pairs, count: pairs == nil ? 0 : max(count, 0)) {
    dictionary[String(pair.key)] = String(pair.value)
  }
  return dictionary
}

/// The flags that ask for details, or not.
func detailFlags(_ wanted: Bool) -> UInt32 { wanted ? UInt32(BRIDGE_WITH_DETAILS) : 0 }
