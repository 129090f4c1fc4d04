public import BridgeTestHost
public import Testing

// Expectations that show what differs, a line each.

extension TestHost {
  /// Calls a tool that is to answer a result. Rules of the ABI that it breaks are issues, too.
  ///
  /// - Returns: The record of the call.
  /// - Throws: `TestHostError`, when it cannot be called.
  @discardableResult
  public func expectResult(
    _ tool: String, _ arguments: [String: TestValue] = [:], _ result: TestValue,
    in session: TestSession? = nil, options: CallOptions = CallOptions(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> CallRecord {
    let record = try call(tool, arguments, in: session, options: options)
    record.expectNoViolations(sourceLocation: sourceLocation)
    if let failure = record.failure {
      Issue.record(
        "\(tool) failed: \(failure.message) (\(failure.type))", sourceLocation: sourceLocation)
    } else if let value = record.value, !value.isSame(as: result) {
      Issue.record(
        "\(tool) answered otherwise\n\(Difference.text([result.jsonText], [value.jsonText]))",
        sourceLocation: sourceLocation)
    }
    return record
  }

  /// Calls a tool that is to fail.
  ///
  /// - Parameters:
  ///   - code: With gRPC's numbers.
  ///   - part: What the message has in it.
  /// - Returns: The record of the call.
  /// - Throws: `TestHostError`, when it cannot be called.
  @discardableResult
  public func expectFailure(
    _ tool: String, _ arguments: [String: TestValue] = [:], code: Int32, _ part: String = "",
    in session: TestSession? = nil, options: CallOptions = CallOptions(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> CallRecord {
    let record = try call(tool, arguments, in: session, options: options)
    record.expectNoViolations(sourceLocation: sourceLocation)
    guard let failure = record.failure else {
      Issue.record(
        "\(tool) was to fail, and answered \(record.value?.jsonText ?? "")",
        sourceLocation: sourceLocation)
      return record
    }
    if failure.code != code {
      Issue.record(
        "\(tool) failed with the code \(failure.code), not \(code): \(failure.message)",
        sourceLocation: sourceLocation)
    } else if !part.isEmpty, !failure.message.contains(part) {
      Issue.record(
        "\(tool) failed with another message\n\(Difference.text(["…\(part)…"], [failure.message]))",
        sourceLocation: sourceLocation)
    }
    return record
  }
}

extension TestSession {
  /// Compares all variables of the session.
  public func expectVariables(
    _ expected: [String: TestValue], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let actual = Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0.value) })
    guard
      actual.count != expected.count
        || actual.contains(where: { expected[$0.key].map($0.value.isSame) != true })
    else { return }
    func lines(_ values: [String: TestValue]) -> [String] {
      values.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value.jsonText)" }
    }
    Issue.record(
      "the variables are otherwise\n\(Difference.text(lines(expected), lines(actual)))",
      sourceLocation: sourceLocation)
  }
}

extension CallRecord {
  /// Compares the lines of the trace, without those of functions that are not named: what a tool reads, for
  /// instance, is seldom what a test is about.
  ///
  /// - Parameters:
  ///   - functions: Such as `variables.set`; none stands for all, callbacks included.
  ///   - expected: As of `TraceEntry.line`.
  public func expectTrace(
    of functions: [String] = [], _ expected: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let actual = trace.filter { functions.isEmpty || functions.contains($0.function) }.map(\.line)
    guard actual != expected else { return }
    Issue.record(
      "\(tool) did otherwise\n\(Difference.text(expected, actual))", sourceLocation: sourceLocation)
  }

  /// Tells of rules of the ABI that the call has broken.
  public func expectNoViolations(sourceLocation: SourceLocation = #_sourceLocation) {
    for violation in violations {
      Issue.record(
        "\(tool) breaks a rule of the ABI: \(violation.message)", sourceLocation: sourceLocation)
    }
  }
}

/// What two lists of lines differ in.
enum Difference {
  /// All lines: those of the first alone with "-", those of the second alone with "+".
  static func text(_ expected: [String], _ actual: [String]) -> String {
    let difference = actual.difference(from: expected)
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [String] = []
    var place = 0
    for (index, line) in expected.enumerated() {
      if removed.contains(index) {
        lines.append("  - \(line)")
        continue
      }
      while inserted.contains(place) {
        lines.append("  + \(actual[place])")
        place += 1
      }
      lines.append("    \(line)")
      place += 1
    }
    lines += actual[place...].map { "  + \($0)" }
    return lines.joined(separator: "\n")
  }
}
