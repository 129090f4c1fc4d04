/// A tool that can be called.
public protocol Tool: Sendable {
  var description: ToolDescription { get }
  /// Where a serial tool waits its turn; nil for one that runs beside others.
  var lane: SerialLaneReference? { get }
  /// Runs one call on a worker, and ends it with `ToolCall.finish` now or later.
  func run(_ call: ToolCall)
}

/// A serial lane, opaque outside this module.
public struct SerialLaneReference: Sendable {
  let lane: SerialLane
}
