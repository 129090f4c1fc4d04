public import BridgeTools

/// What one call of a tool did, from its start to its end.
public struct CallRecord: Sendable {
  /// The tool's name.
  public let tool: String
  /// What it answered, or why it failed.
  public let result: Result<TestValue, ToolFailure>
  /// Bytes beside the result; nil where there are none.
  public let binary: [UInt8]?
  /// Metadata that the tool set for the answer.
  public let metadata: [String: String]
  /// What it emitted, in order.
  public let chunks: [TestValue]
  /// What it said of how far it was, in order.
  public let progress: [Progress]
  /// Every function of the host that it called, and every callback of it that the host called, in the
  /// order in which they began.
  public let trace: [TraceEntry]
  /// Rules of the ABI that it broke.
  public let violations: [Violation]
  /// What it had not given back when it ended, by the function that gives it; the host does it then.
  public let leftOver: [String: Int]
  /// Nanoseconds from start to end, of the real clock.
  public let duration: Int64

  /// How far a tool said it was.
  public struct Progress: Sendable, Equatable {
    /// From 0 to 1.
    public let fraction: Double
    /// May be empty.
    public let message: String
  }

  /// The result; nil where the tool failed.
  public var value: TestValue? { try? result.get() }

  /// Why the tool failed; nil where it did not.
  public var failure: ToolFailure? {
    if case .failure(let failure) = result { failure } else { nil }
  }

  /// The uses of one function, such as `variables.set`.
  public func uses(of function: String) -> [TraceEntry] { trace.filter { $0.function == function } }
}

/// One use of a function of the host, or one run of a callback.
public struct TraceEntry: Sendable {
  /// Its table and name, such as `variables.get`; of a callback its name, such as `on_change`.
  public let function: String
  /// Whether it is code of the plugin that the host called.
  public let isCallback: Bool
  /// The tool that called it; another one than the record's where that called another tool.
  public let tool: String
  /// What went in, by the names in the header.
  public let arguments: [(name: String, value: TestValue)]
  /// What came out beside the status.
  public var answers: [(name: String, value: TestValue)]
  /// What it returned; nil for what returns nothing, and while it has not returned.
  public var status: Int32?
  /// Whether the test host answered in the host's place, as it was told to.
  public var isInjected: Bool
  /// The thread: 1 for the tool's own, then in the order in which they were seen.
  public let thread: Int
  /// Nanoseconds from the call's start.
  public let begin: Int64
  /// Nanoseconds it took; nil while it has not returned.
  public var duration: Int64?

  /// One line: the function, what went in, and what came out.
  public var line: String {
    var line = function + "(" + Self.list(arguments) + ")"
    if let status { line += " → \(StatusName.text(status))" }
    if !answers.isEmpty { line += " " + Self.list(answers) }
    if isInjected { line += " (injected)" }
    return line
  }

  private static func list(_ values: [(name: String, value: TestValue)]) -> String {
    values.map { "\($0.name): \(short($0.value))" }.joined(separator: ", ")
  }

  private static func short(_ value: TestValue) -> String {
    let text = value.jsonText
    guard text.utf8.count > 120 else { return text }
    return text.prefix(100) + "… (\(text.utf8.count) bytes)"
  }
}

/// A rule of the ABI that a plugin has broken.
public struct Violation: Sendable, Equatable {
  /// Which rule.
  public enum Rule: String, Sendable, CaseIterable {
    /// A handle was used that was not valid any more.
    case staleHandle = "stale_handle"
    /// A function was called from a thread that it is not for.
    case wrongThread = "wrong_thread"
    /// A function was called inside of a callback that it is not for.
    case wrongCallback = "wrong_callback"
    /// A function of the plugin returned a status that does not fit what it did.
    case wrongStatus = "wrong_status"
  }

  /// Which rule.
  public let rule: Rule
  /// The function of the host, or of the plugin.
  public let function: String
  /// What happened, in a sentence.
  public let message: String
}

/// The names of the ABI's statuses.
enum StatusName {
  private static let names: [Int32: String] = [
    0: "OK", 1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND", 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE", 12: "UNIMPLEMENTED",
    13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED", 100: "FULL",
    101: "PENDING",
  ]

  static func text(_ status: Int32) -> String { names[status] ?? "\(status)" }

  static func number(_ text: String) -> Int32? {
    names.first { $0.value == text }?.key ?? Int32(text)
  }
}
