internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// What two runs of a call differ in.
package struct CallDifference: Sendable {
  /// What kind of difference it is.
  package enum Kind: String, Sendable, CaseIterable {
    /// What the tool answered: result, failure, bytes and metadata beside it.
    case result
    /// What it emitted.
    case chunks
    /// How far it said it was.
    case progress
    /// What it changed of variables.
    case writes
    /// What else it asked its host for, and in which order.
    case requests
    /// It took longer.
    case time
  }

  /// What kind.
  package let kind: Kind
  /// A line each; those that begin with "-" are of the record, those with "+" of the new run.
  package let lines: [String]
}

/// Compares two runs of a call.
package struct CallComparison: Sendable {
  /// By how much floats may differ, of the larger of the two.
  package var floatTolerance = 0.0
  /// How many times as long a call may take; nil where its time is not looked at.
  package var slowerThan: Double?

  /// Differences of time below this are not told of: nanoseconds.
  static let timeFloor: Int64 = 1_000_000

  /// Floats are the same or not, and time does not matter.
  package init() {}

  /// What two runs differ in; nothing where they do the same.
  package func differences(
    from old: RecordedCall, to new: RecordedCall
  ) -> [CallDifference] {
    var differences: [CallDifference] = []
    func add(_ kind: CallDifference.Kind, _ lines: [String]) {
      if !lines.isEmpty { differences.append(CallDifference(kind: kind, lines: lines)) }
    }
    add(.result, outcome(old.outcome, new.outcome))
    add(.chunks, list(old.chunks, new.chunks, same, Text.of))
    add(
      .progress,
      list(old.progress, new.progress) {
        same($0.fraction, $1.fraction) && $0.message == $1.message
      } _: {
        "\($0.fraction) \($0.message)"
      })
    let isWrite = { (request: RecordedCall.Request) in request.isWrite }
    add(.writes, list(old.requests.filter(isWrite), new.requests.filter(isWrite), same, Text.of))
    // Where the writes differ, their places among the others do as well.
    let isOther = { (request: RecordedCall.Request) in
      differences.contains { $0.kind == .writes } ? !request.isWrite : true
    }
    add(.requests, list(old.requests.filter(isOther), new.requests.filter(isOther), same, Text.of))
    if let slower = slower(old, new) { add(.time, slower) }
    return differences
  }

  /// - Returns: Lines that say how much longer it takes; nil where it does not.
  func slower(_ old: RecordedCall, _ new: RecordedCall) -> [String]? {
    guard let slowerThan else { return nil }
    let (before, after) = (old.took - old.hostTook, new.took - new.hostTook)
    guard Double(after) > Double(max(before, 0)) * slowerThan, after - before > Self.timeFloor
    else {
      return nil
    }
    return [
      "- \(Text.milliseconds(before)) of its own", "+ \(Text.milliseconds(after)) of its own",
    ]
  }

  // MARK: What is the same

  private func same(_ a: Double, _ b: Double) -> Bool {
    if a == b || a.isNaN && b.isNaN { return true }
    return abs(a - b) <= floatTolerance * max(abs(a), abs(b))
  }

  private func same(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.float(let a), .float(let b)): return same(a, b)
    case (.array(let a), .array(let b)):
      guard a.shape == b.shape, a.elementType == b.elementType else { return false }
      if a.bytes == b.bytes { return true }
      guard floatTolerance > 0, [.float64, .float32].contains(a.elementType) else { return false }
      return (0..<a.count).allSatisfy { same(a[$0], b[$0]) }
    default: return a == b
    }
  }

  private func same(_ a: JSON, _ b: JSON) -> Bool {
    switch (a, b) {
    case (.number(let a), .number(let b)): return same(a, b)
    case (.number(let a), .integer(let b)): return same(a, Double(b))
    case (.integer(let a), .number(let b)): return same(Double(a), b)
    case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy(same)
    case (.object(let a), .object(let b)):
      return a.count == b.count
        && a.allSatisfy { member in
          b.contains { $0.key == member.key && same($0.value, member.value) }
        }
    default: return a == b
    }
  }

  private func same(_ a: ToolValue, _ b: ToolValue) -> Bool {
    switch (a.owned, b.owned) {
    case (.value(let a, let type), .value(let b, let other)): return type == other && same(a, b)
    case (.json(let a, let type), .json(let b, let other)):
      if type != other { return false }
      if a == b { return true }
      guard let a = try? JSON(parsing: a), let b = try? JSON(parsing: b) else { return false }
      return same(a, b)
    case (let a, let b): return a == b
    }
  }

  private func same(_ a: RecordedCall.Request, _ b: RecordedCall.Request) -> Bool {
    guard a.subject == b.subject else { return false }
    switch (a, b) {
    case (.set(let a), .set(let b)): return same(a, b)
    case (.setAll(let a), .setAll(let b)): return a.count == b.count && zip(a, b).allSatisfy(same)
    case (.create(let a), .create(let b)): return same(a, b)
    case (.preview(let a), .preview(let b)): return same(a, b)
    case (.commit(let a), .commit(let b)): return a.count == b.count && zip(a, b).allSatisfy(same)
    case (.watch(_, _, let a), .watch(_, _, let b)): return a == b
    case (.start(_, let a), .start(_, let b)):
      return a.arguments.count == b.arguments.count && a.metadata == b.metadata
        && a.isStreaming == b.isStreaming
        && a.arguments.allSatisfy { argument in
          b.arguments.contains { $0.name == argument.name && same($0.given, argument.given) }
        }
    default: return true
    }
  }

  private func same(_ a: VariableWrite, _ b: VariableWrite) -> Bool {
    a.expectedVersion == b.expectedVersion && a.metadata == b.metadata
      && a.isCheckOnly == b.isCheckOnly && same(a.value, b.value)
  }

  private func same(_ a: NewVariable, _ b: NewVariable) -> Bool {
    a.type == b.type && a.constraintsJSON == b.constraintsJSON && a.metadata == b.metadata
      && same(a.value, b.value)
  }

  private func same(_ a: PendingChange, _ b: PendingChange) -> Bool {
    guard a.expected == b.expected, a.metadata == b.metadata else { return false }
    switch (a.action, b.action) {
    case (.check, .check), (.remove, .remove): return true
    case (.write(let a), .write(let b)): return same(a, b)
    case (.create(let a), .create(let b)), (.replace(let a), .replace(let b)): return same(a, b)
    default: return false
    }
  }

  // MARK: Lines

  private func outcome(_ old: ToolOutcome, _ new: ToolOutcome) -> [String] {
    var lines: [String] = []
    let isSame: Bool =
      switch (old.result, new.result) {
      case (.success(let a), .success(let b)): same(a, b)
      case (.failure(let a), .failure(let b)): a == b
      default: false
      }
    if !isSame { lines += ["- \(Text.of(old.result))", "+ \(Text.of(new.result))"] }
    if old.binaryResult?.bytes != new.binaryResult?.bytes {
      lines += ["- \(Text.of(old.binaryResult))", "+ \(Text.of(new.binaryResult))"]
    }
    if old.metadata != new.metadata {
      lines += ["- metadata \(Text.of(old.metadata))", "+ metadata \(Text.of(new.metadata))"]
    }
    return lines
  }

  /// The shortest way from one list to the other, with what is the same around it.
  private func list<Element>(
    _ old: [Element], _ new: [Element], _ isSame: (Element, Element) -> Bool,
    _ text: (Element) -> String
  ) -> [String] {
    let changes = new.difference(from: old, by: isSame)
    if changes.isEmpty { return [] }
    let removed = Set(
      changes.removals.map { if case .remove(let place, _, _) = $0 { place } else { -1 } })
    let inserted = Set(
      changes.insertions.map { if case .insert(let place, _, _) = $0 { place } else { -1 } })
    var lines: [String] = []
    var (place, other) = (0, 0)
    while place < old.count || other < new.count {
      if place < old.count, removed.contains(place) {
        lines.append("- \(text(old[place]))")
        place += 1
      } else if other < new.count, inserted.contains(other) {
        lines.append("+ \(text(new[other]))")
        other += 1
      } else {
        lines.append("  \(text(old[place]))")
        place += 1
        other += 1
      }
    }
    return Self.shortened(lines)
  }

  /// Of what is the same no more than a few lines around what is not.
  private static func shortened(_ lines: [String]) -> [String] {
    let context = 2
    let isKept = lines.indices.map { index in
      lines[max(0, index - context)...min(lines.count - 1, index + context)].contains {
        !$0.hasPrefix(" ")
      }
    }
    var kept: [String] = []
    for (index, line) in lines.enumerated() {
      if isKept[index] {
        kept.append(line)
      } else if index == 0 || isKept[index - 1] {
        kept.append("  …")
      }
    }
    return kept
  }
}

extension RecordedCall {
  fileprivate var chunks: [ToolValue] {
    events.compactMap { if case .chunk(let chunk) = $0 { chunk } else { nil } }
  }

  fileprivate var progress: [(fraction: Double, message: String)] {
    events.compactMap {
      if case .progress(let fraction, let message) = $0 { (fraction, message) } else { nil }
    }
  }
}

/// Values as people read them.
enum Text {
  private static let limit = 300

  static func of(_ value: ToolValue) -> String {
    switch value.owned {
    case .null, .donated: "null"
    case .value(let value, let type): short(String(decoding: value.json(as: type), as: UTF8.self))
    case .json(let text, _): short(String(decoding: text, as: UTF8.self))
    case .bytes(let bytes): "\(bytes.count) bytes \(short(Hex.text(Array(bytes.prefix(limit)))))"
    }
  }

  static func of(_ result: Result<ToolValue, ToolFailure>) -> String {
    switch result {
    case .success(let value): of(value)
    case .failure(let failure):
      "failed: \(short(failure.message)) (\(failure.type), code \(failure.code)) \(short(failure.details))"
    }
  }

  static func of(_ blob: Blob?) -> String { blob.map { of(.bytes($0.bytes)) } ?? "no bytes" }

  static func of(_ metadata: VariableMetadata) -> String {
    short(metadata.entries.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " "))
  }

  static func of(_ request: RecordedCall.Request) -> String {
    switch request {
    case .set(let write): "set \(of(write))"
    case .setAll(let writes): "set \(writes.map(of).joined(separator: ", "))"
    case .create(let variable): "create \(of(variable))"
    case .preview(let change): "prepare \(of(change))"
    case .commit(let changes): "commit \(changes.map(of).joined(separator: ", "))"
    case .start(_, let call):
      "call \(call.tool)("
        + call.arguments.map { "\($0.name): \(of($0.given))" }.joined(separator: ", ") + ")"
    default: request.subject
    }
  }

  private static func of(_ write: VariableWrite) -> String {
    if write.isCheckOnly { return "\(write.identifier) at version \(write.expectedVersion)" }
    return "\(write.identifier) = \(of(write.value))"
      + (write.expectedVersion == 0 ? "" : " at version \(write.expectedVersion)")
      + (write.metadata.isEmpty ? "" : " with \(of(write.metadata))")
  }

  private static func of(_ variable: NewVariable) -> String {
    "\(variable.name): \(variable.type.rawValue) = \(of(variable.value)) \(variable.constraintsJSON)"
  }

  private static func of(_ change: PendingChange) -> String {
    switch change.action {
    case .check: "check \(change.identifier)"
    case .write(let value): "\(change.identifier) = \(of(value))"
    case .create(let variable): "new \(of(variable))"
    case .replace(let variable): "another \(of(variable))"
    case .remove: "remove \(change.identifier)"
    }
  }

  static func milliseconds(_ nanoseconds: Int64) -> String {
    "\(Double(nanoseconds / 10_000) / 100) ms"
  }

  private static func short(_ text: String) -> String {
    text.utf8.count > limit ? text.prefix(limit) + "… (\(text.utf8.count) bytes)" : text
  }
}
