internal import BridgeProtocol
internal import SwiftProtobuf

/// Something that has happened, as those who listen are told of it.
struct TelemetryRecord: Sendable {
  /// The names that Elixir takes. It drops an event of any other name, and one with another measurement than
  /// those that it knows, without a word.
  enum Name: String, CaseIterable, Sendable {
    /// A client's call of a tool: ExecuteTool, ExecuteStreamingTool.
    case callStart = "python.call.start"
    case callStop = "python.call.stop"
    case callException = "python.call.exception"
    /// Any call of a tool, those that tools make included.
    case toolStart = "tool.execution.start"
    case toolStop = "tool.execution.stop"
    case toolException = "tool.execution.exception"
    case resultSize = "tool.result_size"
    case memorySampled = "python.memory.sampled"
    case cpuSampled = "python.cpu.sampled"
    case errorOccurred = "python.error.occurred"

    /// The name in its parts.
    var parts: [String] { rawValue.split(separator: ".").map(String.init) }
  }

  enum Number: Sendable, Equatable {
    case integer(Int64)
    case float(Double)
  }

  let name: Name
  /// By the keys that Elixir knows; durations are in nanoseconds.
  var measurements: [(key: String, value: Number)]
  var metadata: [(key: String, value: String)] = []
  /// Nanoseconds since 1970.
  var time: Int64
  /// Of the end of a call, where calls are traced.
  var span: Span?
  /// Joins what belongs to one piece of work; empty where nobody has said.
  var correlationID = ""

  /// The record as a serialized snakepit.bridge.TelemetryEvent.
  var event: [UInt8] {
    let event = Snakepit_Bridge_TelemetryEvent.with { event in
      event.eventParts = name.parts
      event.timestampNs = time
      event.correlationID = correlationID
      for (key, value) in measurements {
        switch value {
        case .integer(let number): event.measurements[key] = .with { $0.intValue = number }
        case .float(let number): event.measurements[key] = .with { $0.floatValue = number }
        }
      }
      for (key, value) in metadata { event.metadata[key] = value }
    }
    // Nothing that cannot be encoded is in it.
    return (try? event.serializedBytes()) ?? []
  }
}
