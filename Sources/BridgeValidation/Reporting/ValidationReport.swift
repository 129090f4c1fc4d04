package import JSON

/// What all tests of a file have found.
package struct ValidationReport: Sendable {
  /// The file, without links.
  package let path: String
  /// What all that was random came from.
  package let seed: UInt64
  /// In the order of the list of tests.
  package let results: [TestResult]

  /// Whether no fault was found.
  package var isFine: Bool { !results.contains { $0.outcome == .failed } }

  /// How many tests ended so.
  package func count(_ outcome: TestResult.Outcome) -> Int {
    results.count { $0.outcome == outcome }
  }

  /// The last line for people.
  package var summary: String {
    let parts = [
      (count(.failed), "failed"), (count(.warned), "passed with a warning"),
      (count(.skipped), "skipped"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return (["\(count(.passed)) passed"] + parts).joined(separator: ", ") + " (seed \(seed))"
  }

  // MARK: Text

  /// What is told of a result, a line each.
  package static func lines(_ result: TestResult, isVerbose: Bool) -> [String] {
    let name = "\(result.test.level) \(result.test.name)"
    let time = result.seconds >= 1 ? " (\(tenths(result.seconds)) s)" : ""
    var lines: [String] = []
    switch result.outcome {
    case .passed: lines = isVerbose ? ["passed   \(name)\(time)"] : []
    case .warned: lines = ["warning  \(name)\(time)"]
    case .skipped:
      return ["skipped  \(name): \(result.notes.map(\.message).joined(separator: "; "))"]
    case .failed: lines = ["FAILED   \(name)\(time)"]
    }
    for note in result.notes {
      let tool = note.tool.isEmpty ? "" : "tool \(note.tool): "
      let place = note.place.isEmpty ? "" : ", in \(note.place)"
      lines.append("    \(tool)\(note.message)\(place)")
      if !note.remedy.isEmpty { lines.append("    mend: \(note.remedy)") }
    }
    guard result.outcome == .failed else { return lines }
    for frame in result.stack.prefix(8) { lines.append("      at \(frame)") }
    let printed = result.output.split(separator: "\n")
    for line in printed.suffix(8) { lines.append("      printed: \(line)") }
    return lines
  }

  private static func tenths(_ seconds: Double) -> String {
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  // MARK: JSON

  /// The report as JSON: a member each test.
  package var json: JSON {
    .object([
      .init(key: "file", value: .string(path)),
      .init(key: "seed", value: .string(String(seed))),
      .init(key: "passed", value: .boolean(isFine)),
      .init(key: "tests", value: .array(results.map(Self.json))),
    ])
  }

  private static func json(_ result: TestResult) -> JSON {
    .object([
      .init(key: "name", value: .string(result.test.name)),
      .init(key: "level", value: .integer(Int64(result.test.level))),
      .init(key: "group", value: .string(result.test.group.rawValue)),
      .init(key: "outcome", value: .string(result.outcome.rawValue)),
      .init(key: "seconds", value: .number(result.seconds)),
      .init(
        key: "notes",
        value: .array(
          result.notes.map { note in
            .object([
              .init(key: "fault", value: .boolean(note.isFault)),
              .init(key: "tool", value: .string(note.tool)),
              .init(key: "message", value: .string(note.message)),
              .init(key: "place", value: .string(note.place)),
              .init(key: "remedy", value: .string(note.remedy)),
            ])
          })),
      .init(key: "stack", value: .array(result.stack.map(JSON.string))),
      .init(key: "output", value: .string(result.output)),
    ])
  }

  // MARK: JUnit

  /// The report as JUnit's XML, which servers of continuous integration read.
  ///
  /// Source: https://github.com/testmoapp/junitxml
  package var junit: String {
    let suite = Self.escaped(path.split(separator: "/").last.map(String.init) ?? path)
    let time = Self.tenths(results.reduce(0) { $0 + $1.seconds })
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites>",
      "  <testsuite name=\"\(suite)\" tests=\"\(results.count)\" failures=\"\(count(.failed))\""
        + " skipped=\"\(count(.skipped))\" errors=\"0\" time=\"\(time)\">",
      "    <properties><property name=\"seed\" value=\"\(seed)\"/></properties>",
    ]
    for result in results {
      let head =
        "    <testcase classname=\"\(suite).\(result.test.group.rawValue)\" name=\"\(result.test.name)\""
        + " time=\"\(Self.tenths(result.seconds))\""
      let words = result.notes.map(\.message).joined(separator: "; ")
      let text = Self.escaped(Self.lines(result, isVerbose: true).joined(separator: "\n"))
      switch result.outcome {
      case .passed: lines.append("\(head)/>")
      case .skipped:
        lines.append("\(head)><skipped message=\"\(Self.escaped(words))\"/></testcase>")
      case .warned: lines.append("\(head)><system-out>\(text)</system-out></testcase>")
      case .failed:
        lines.append(
          "\(head)><failure message=\"\(Self.escaped(words))\">\(text)</failure></testcase>")
      }
    }
    lines += ["  </testsuite>", "</testsuites>"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// XML takes few control characters, not even escaped.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
        escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
