internal import ArgumentParser
internal import BridgeValidation
internal import Glibc
internal import JSON

/// `bridge-host validate`: tries a plugin or a manifest.
struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Try a plugin or a manifest of native functions, and say what is wrong with it.",
    discussion: """
      Each test runs in a process of its own, so that a plugin that crashes or hangs fails that test alone. Level 1 \
      is what every plugin needs to be loaded; level 10 takes longest. docs/validate.md tells of each test.

      The exit code is 0 where nothing is wrong, 1 where faults were found, and 2 where the file could not be looked \
      at.

      Example:
        bridge-host validate build/libtools.so --level 10
      """)

  @Argument(help: "A plugin (.so) or a manifest (.native.json).")
  var file: String?

  @Option(help: "Do the tests up to this level, 1 to 10.")
  var level = 5

  @Option(help: "Do this test alone, at any level; may be given several times.")
  var only: [String] = []

  @Option(help: "What all that is random comes from: the same seed makes the same inputs.")
  var seed: UInt64?

  @Option(help: ArgumentHelp("End a test after so many seconds.", valueName: "seconds"))
  var timeout = 60.0

  @Option(
    help: ArgumentHelp(
      "How long a call may go on that was cancelled or is past its deadline.", valueName: "seconds")
  )
  var grace = 5.0

  @Option(help: ArgumentHelp("How long to fuzz.", valueName: "seconds"))
  var fuzzTime = 10.0

  @Option(help: "How many tests are done at once; by default as many as there are processors.")
  var jobs: Int?

  @Option(
    help: ArgumentHelp("Do again what a file of an earlier fault holds.", valueName: "file"))
  var replay: String?

  @Option(
    help: ArgumentHelp(
      "Where files of faults are left that `--replay` takes.", valueName: "directory"))
  var replayDirectory: String?

  @Option(
    help: ArgumentHelp(
      "The sanitizer that the plugin is built with: address, thread or undefined.",
      discussion: "What it finds is a fault of the test that runs."))
  var sanitizer: Sanitizer?

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Option(help: ArgumentHelp("Write the report as JUnit's XML to this file.", valueName: "file"))
  var junit: String?

  @Flag(help: "Print the tests that pass, too.")
  var verbose = false

  @Flag(help: "List all tests, with their levels and what they check.")
  var list = false

  func validate() throws {
    if file == nil, !list { throw ValidationError("say which file to validate") }
    guard (1...10).contains(level) else { throw ValidationError("--level is 1 to 10") }
    for (name, value) in [("timeout", timeout), ("grace", grace), ("fuzz-time", fuzzTime)] {
      guard value > 0, value <= 86_400 else {
        throw ValidationError("--\(name) is above 0 and at most 86400 seconds")
      }
    }
    if let jobs, !(1...256).contains(jobs) { throw ValidationError("--jobs is 1 to 256") }
  }

  func run() throws {
    if list { return try failingPlainly { try listTests() } }
    if let sanitizer {
      // A process that goes on after a finding would end as if there were none. What this program does with memory
      // is not told to the sanitizer, so it is left out.
      setenv(
        "TSAN_OPTIONS", "halt_on_error=1:die_after_fork=0:ignore_noninstrumented_modules=1", 0)
      setenv("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1", 0)
      try failingPlainly { try sanitizer.restartIfNeeded(for: file!) }
    }
    var settings = ValidationSettings()
    settings.level = level
    settings.only = Set(only)
    settings.timeout = timeout
    settings.grace = grace
    settings.fuzzTime = fuzzTime
    settings.jobs = jobs ?? max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    settings.heapBytes = { HeapMemory.bytesInUse }
    settings.seed = seed ?? UInt64.random(in: 1...999_999_999)
    var replays: [String: String] = [:]
    let report: ValidationReport
    do {
      if let replay {
        let kept = try Replay(file: replay)
        settings.only = [kept.test]
        settings.seed = seed ?? kept.seed
        replays[kept.test] = kept.input
      }
      let validator = try Validator(file!, settings)
      report = try run(validator, replays)
      if let junit { try write(report.junit, to: junit) }
      try keepReplays(report)
    } catch {
      StandardError.writeLine("bridge-host: \(error)")
      throw ExitCode(2)
    }
    try failingPlainly {
      if json {
        try StandardOutput.writeText(report.json.text)
      } else {
        try StandardOutput.writeLine(report.summary)
      }
    }
    if !report.isFine { throw ExitCode(1) }
  }

  private func run(
    _ validator: Validator, _ replays: [String: String]
  ) throws -> ValidationReport {
    let progress = ValidationProgress(count: validator.names.count)
    defer { progress.clear() }
    var fault: (any Error)?
    let report = try validator.run(replaying: replays) { event in
      switch event {
      case .began(let test): progress.began(test.name)
      case .ended(let result):
        progress.ended(result.test.name)
        guard !json else { return }
        progress.clear()
        do {
          for line in ValidationReport.lines(result, isVerbose: verbose) {
            try StandardOutput.writeLine(line)
          }
        } catch {
          fault = error
        }
      }
    }
    if let fault { throw fault }
    return report
  }

  private func listTests() throws {
    if json {
      return try StandardOutput.writeText(JSON.array(ValidationTests.all.map(\.json)).text)
    }
    for test in ValidationTests.all {
      let level = test.level < 10 ? " \(test.level)" : "\(test.level)"
      try StandardOutput.writeLine("\(level)  \(test.group.rawValue)  \(test.name)")
      try StandardOutput.writeLine("    \(test.summary)")
    }
  }

  private func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else {
      throw PlainError("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
    defer { close(file) }
    guard writeWhole(Array(text.utf8), to: file) else {
      throw PlainError("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  /// Leaves a file for each test that has failed: with it, the same is seen again.
  private func keepReplays(_ report: ValidationReport) throws {
    guard let replayDirectory else { return }
    for result in report.results where result.outcome == .failed {
      let replay = Replay(
        test: result.test.name, seed: report.seed, input: result.replays.first ?? "")
      let path = "\(replayDirectory)/\(result.test.name)-\(report.seed).json"
      try write(replay.text, to: path)
      StandardError.writeLine("kept \(path)")
    }
  }
}
