/// What came of one test.
package struct TestResult: Sendable {
  /// How it ended.
  package enum Outcome: String, Sendable {
    case passed, warned, failed, skipped
  }

  /// Something that is told of it.
  package struct Note: Sendable {
    /// Whether it is a fault.
    package let isFault: Bool
    /// The tool that it is about; empty for the plugin.
    package let tool: String
    /// What is wrong, or why nothing was done.
    package let message: String
    /// Where in the code, as `scale_run (scale.c:31)`; empty where it is not known.
    package internal(set) var place: String
    /// How to mend it; empty where it is no fault.
    package let remedy: String
  }

  /// Which test.
  package let test: ValidationTest
  /// How it ended.
  package private(set) var outcome = Outcome.passed
  /// What is told of it.
  package internal(set) var notes: [Note] = []
  /// Where the process crashed, innermost first.
  package internal(set) var stack: [String] = []
  /// What the process printed, the end of it.
  package internal(set) var output = ""
  /// How long it took.
  package internal(set) var seconds = 0.0
  /// What to run it with again, a line each fault that has one.
  package internal(set) var replays: [String] = []
  /// Where in the code the notes are, to be looked up.
  var addresses: [UInt64?] = []

  init(_ test: ValidationTest) { self.test = test }

  init(_ test: ValidationTest, skipping reason: String) {
    self.test = test
    take([Finding(.skip, reason)])
  }

  mutating func take(_ findings: [Finding]) {
    let faults = findings.filter { $0.kind == .failure }
    let kinds = Set(findings.map(\.kind))
    outcome =
      if kinds.contains(.failure) { .failed } else if kinds.contains(.skip) {
        .skipped
      } else if kinds.contains(.warning) { .warned } else { .passed }
    notes = findings.map { finding in
      let isFault = finding.kind == .failure
      let remedy = finding.remedy.isEmpty ? test.remedy : finding.remedy
      return Note(
        isFault: isFault, tool: finding.tool, message: finding.message, place: "",
        remedy: isFault ? remedy : "")
    }
    addresses = findings.map(\.address)
    replays = faults.map(\.replay).filter { !$0.isEmpty }
  }
}
