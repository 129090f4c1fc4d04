internal import BridgeTools
package import JSON

// Records as JSON, for programs and for the test libraries of other languages.

extension ToolValue {
  /// Its JSON; bytes are an object with the member "hex".
  package var testJSON: JSON {
    // What is written here can be read.
    (try? JSON(parsing: jsonText)) ?? .null
  }
}

extension CallRecord {
  /// An object with the members tool, ok, result or error, binary (hexadecimal), metadata, chunks,
  /// progress, violations, left_over, nanoseconds, and trace.
  ///
  /// - Parameter withTrace: Whether the trace is there.
  package func json(withTrace: Bool = true) -> JSON {
    var members: [JSON.Member] = [
      .init(key: "tool", value: .string(tool)), .init(key: "ok", value: .boolean(failure == nil)),
    ]
    switch result {
    case .success(let value): members.append(.init(key: "result", value: value.testJSON))
    case .failure(let failure): members.append(.init(key: "error", value: failure.testJSON))
    }
    if let binary { members.append(.init(key: "binary", value: .string(Hex.text(binary)))) }
    members += [
      .init(
        key: "metadata",
        value: .object(
          metadata.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) })),
      .init(key: "chunks", value: .array(chunks.map(\.testJSON))),
      .init(
        key: "progress",
        value: .array(
          progress.map {
            .object([
              .init(key: "fraction", value: TestValue.value(.float($0.fraction), .float).testJSON),
              .init(key: "message", value: .string($0.message)),
            ])
          })),
      .init(key: "violations", value: .array(violations.map(\.json))),
      .init(
        key: "left_over",
        value: .object(
          leftOver.sorted { $0.key < $1.key }.map {
            .init(key: $0.key, value: .integer(Int64($0.value)))
          })),
      .init(key: "nanoseconds", value: .integer(duration)),
    ]
    if withTrace { members.append(.init(key: "trace", value: .array(trace.map(\.json)))) }
    return .object(members)
  }
}

extension ToolFailure {
  /// An object with the members status, code, message, type, retryable, and details where there are some.
  var testJSON: JSON {
    var members: [JSON.Member] = [
      .init(key: "status", value: .string(StatusName.text(code))),
      .init(key: "code", value: .integer(Int64(code))),
      .init(key: "message", value: .string(message)), .init(key: "type", value: .string(type)),
      .init(key: "retryable", value: .boolean(isRetryable)),
    ]
    if let details = try? JSON(parsing: details) {
      members.append(.init(key: "details", value: details))
    }
    return .object(members)
  }
}

extension Violation {
  /// An object with the members rule, function and message.
  package var json: JSON {
    .object([
      .init(key: "rule", value: .string(rule.rawValue)),
      .init(key: "function", value: .string(function)),
      .init(key: "message", value: .string(message)),
    ])
  }
}

extension TraceEntry {
  /// An object with the members function, callback, tool, arguments, answers, status, injected, thread,
  /// begin and duration in nanoseconds.
  var json: JSON {
    .object([
      .init(key: "function", value: .string(function)),
      .init(key: "callback", value: .boolean(isCallback)),
      .init(key: "tool", value: .string(tool)),
      .init(key: "arguments", value: Self.object(arguments)),
      .init(key: "answers", value: Self.object(answers)),
      .init(key: "status", value: status.map { .string(StatusName.text($0)) } ?? .null),
      .init(key: "injected", value: .boolean(isInjected)),
      .init(key: "thread", value: .integer(Int64(thread))),
      .init(key: "begin", value: .integer(begin)),
      .init(key: "duration", value: duration.map { .integer($0) } ?? .null),
    ])
  }

  /// Names that come twice, as in `set_all`, are there as often.
  private static func object(_ values: [(name: String, value: TestValue)]) -> JSON {
    .array(
      values.map {
        .object([
          .init(key: "name", value: .string($0.name)),
          .init(key: "value", value: $0.value.testJSON),
        ])
      })
  }
}

extension TestVariable {
  /// An object with the members name, type, value, version and writer.
  package var json: JSON {
    .object([
      .init(key: "name", value: .string(name)), .init(key: "type", value: .string(type.rawValue)),
      .init(key: "value", value: value.testJSON),
      .init(key: "version", value: .integer(Int64(version))),
      .init(key: "writer", value: .string(writer)),
    ])
  }
}
