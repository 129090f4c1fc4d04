import JSON
import Testing

@testable import BridgeValidation

@Suite struct ReportTests {
  private func test(_ name: String) throws -> ValidationTest {
    try #require(ValidationTests.named(name))
  }

  private func report() throws -> ValidationReport {
    var failed = TestResult(try test("calls"))
    var finding = Finding(.failure, "it crashed with <SIGSEGV> & \"more\"\u{1B}", tool: "scale")
    finding.replay = "{}"
    failed.take([finding])
    failed.notes[0].place = "scale_run (scale.c:31)"
    failed.stack = ["libx.so scale_run (scale.c:31)"]
    failed.output = "half a line\nlast line\n"
    var warned = TestResult(try test("signatures"))
    warned.take([Finding(.warning, "there is no debug information")])
    return ValidationReport(
      path: "/p/libx.so", seed: 42,
      results: [
        TestResult(try test("file")), warned, failed,
        TestResult(try test("ends"), skipping: "it needs calls, which has not passed"),
      ])
  }

  @Test func aReportCountsAndTellsWhatToDo() throws {
    let report = try report()
    #expect(!report.isFine)
    #expect(
      report.summary == "1 passed, 1 failed, 1 passed with a warning, 1 skipped (seed 42)")
    let lines = report.results.flatMap { ValidationReport.lines($0, isVerbose: false) }
    #expect(!lines.contains { $0.contains("passed   1 file") })
    #expect(lines.contains("FAILED   3 calls"))
    #expect(
      lines.contains {
        $0.hasPrefix("    tool scale: it crashed") && $0.hasSuffix(", in scale_run (scale.c:31)")
      })
    #expect(lines.contains("    mend: \(try test("calls").remedy)"))
    #expect(lines.contains("      printed: last line"))
    #expect(lines.contains("skipped  3 ends: it needs calls, which has not passed"))
    #expect(report.results[2].replays == ["{}"])
  }

  @Test func aReportWithoutFaultsIsFine() throws {
    var warned = TestResult(try test("signatures"))
    warned.take([Finding(.warning, "there is no debug information")])
    let report = ValidationReport(path: "x", seed: 1, results: [warned])
    #expect(report.isFine)
    #expect(report.summary == "0 passed, 1 passed with a warning (seed 1)")
  }

  @Test func xmlIsEscaped() throws {
    let junit = try report().junit
    #expect(junit.contains("&lt;SIGSEGV&gt; &amp; &quot;more&quot;\u{FFFD}"))
    #expect(junit.contains("tests=\"4\" failures=\"1\" skipped=\"1\""))
  }

  @Test func findingsAreReadAsTheyWereWritten() {
    var finding = Finding(.failure, "what", tool: "t")
    finding.address = .max
    finding.remedy = "how"
    finding.replay = "with"
    #expect(Finding(finding.json) == finding)
    #expect(Finding(.object([])) == nil)
  }

  @Test func replaysAreReadAsTheyWereWritten() throws {
    let replay = FuzzReplay(steps: [1, .max], told: [.string("calling t with {}")])
    #expect(FuzzReplay(replay.text) == replay)
    #expect(replay.made.steps == [1])
    #expect(FuzzReplay("{\"steps\":[1],\"told\":[]}") == nil)
    #expect(FuzzReplay("") == nil)
  }

  /// What is done first is said first, and nothing waits for what comes later.
  @Test func testsNeedOnlyTestsBeforeThem() throws {
    let names = ValidationTests.all.map(\.name)
    #expect(Set(names).count == names.count)
    for test in ValidationTests.all {
      for need in test.needs {
        let other = try #require(ValidationTests.named(need), "\(test.name) needs \(need)")
        #expect(other.level <= test.level, "\(test.name) needs \(need)")
      }
      #expect(test.summary.hasSuffix(".") && test.remedy.hasSuffix("."), "\(test.name)")
    }
  }

  @Test func notesOutliveWhoWroteThem() throws {
    let notes = try #require(SharedNotes())
    #expect(notes.result.isEmpty)
    notes.place = "here"
    notes.replay = String(repeating: "x", count: 3 << 20)
    notes.result = "[]"
    #expect(notes.place == "here" && notes.result == "[]")
    // What is too long is cut off.
    #expect(notes.replay.utf8.count == 2 << 20)
  }
}
