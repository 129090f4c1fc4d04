internal import FoundationEssentials
internal import SwiftProtobuf

/// A call of a tool as a span.
struct Span: Sendable {
  let context: SpanContext
  /// Of the span that it is within; nil where there is none.
  let parent: [UInt8]?
  /// Nanoseconds since 1970.
  let start: Int64

  /// The message of a call that has ended.
  ///
  /// - Parameter record: Of its end.
  func message(
    _ record: TelemetryRecord
  ) -> Opentelemetry_Proto_Collector_Trace_V1_Span {
    .with { span in
      span.traceID = Data(context.traceID)
      span.spanID = Data(context.spanID)
      if let parent { span.parentSpanID = Data(parent) }
      let facts = Dictionary(record.metadata.map { ($0.key, $0.value) }) { $1 }
      span.name = facts["tool"] ?? record.name.rawValue
      span.kind = facts["depth"] == "0" ? .server : .internal
      span.startTimeUnixNano = UInt64(clamping: start)
      span.endTimeUnixNano = UInt64(clamping: max(start, record.time))
      span.attributes = record.metadata.map { .init(key: "bridge.\($0.key)", text: $0.value) }
      if !record.correlationID.isEmpty {
        span.attributes.append(.init(key: "bridge.correlation_id", text: record.correlationID))
      }
      if record.name == .toolException {
        span.status = .with {
          $0.code = .error
          $0.message = facts["error_type"] ?? ""
        }
      }
    }
  }
}

extension Opentelemetry_Proto_Collector_Trace_V1_KeyValue {
  init(key: String, text: String) {
    self = .with {
      $0.key = key
      $0.value = .with { $0.stringValue = text }
    }
  }
}
