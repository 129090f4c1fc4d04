internal import BridgePluginChannel
internal import BridgePluginHost
internal import Glibc
internal import Threads

/// Has tests done with a plugin or a manifest, each in a process of its own, several at once.
///
/// The process that uses it must have one thread, and nothing of the plugin in it.
package struct Validator {
  private let path: String
  private let settings: ValidationSettings
  private let selected: [ValidationTest]

  /// Something that is told while tests are done.
  package enum Event {
    case began(ValidationTest)
    case ended(TestResult)
  }

  /// Finds the file, and chooses the tests.
  ///
  /// - Parameter path: Of a `.so` or a `.native.json`.
  /// - Throws: `ValidationError` where nothing can be found out about the file.
  package init(_ path: String, _ settings: ValidationSettings) throws(ValidationError) {
    guard let resolved = realpath(path, nil) else {
      throw ValidationError("\(path): \(String(cString: strerror(errno)))")
    }
    self.path = String(cString: resolved)
    free(resolved)
    guard access(self.path, R_OK) == 0 else {
      throw ValidationError("\(path): \(String(cString: strerror(errno)))")
    }
    self.settings = settings
    for name in settings.only where ValidationTests.named(name) == nil {
      throw ValidationError("there is no test \(name); `--list` names them all")
    }
    let isManifest = path.hasSuffix(".native.json")
    selected = ValidationTests.all.filter { test in
      guard test.applies(toManifest: isManifest) else { return settings.only.contains(test.name) }
      return settings.only.isEmpty
        ? test.level <= settings.level : settings.only.contains(test.name)
    }
  }

  /// The names of the tests that will be done.
  package var names: [String] { selected.map(\.name) }

  /// Does the tests.
  ///
  /// - Parameters:
  ///   - replay: What a test is run with, by its name, instead of what is random.
  ///   - tell: Told of each test as it begins and ends.
  /// - Throws: `ValidationError` where the system has no room for processes.
  package func run(
    replaying replay: [String: String] = [:], _ tell: (Event) -> Void
  ) throws(ValidationError) -> ValidationReport {
    let signals = ChildSystem.makeChildSignals()
    guard signals >= 0 else {
      throw ValidationError("no signals of children: \(String(cString: strerror(errno)))")
    }
    defer { close(signals) }
    var waiting = selected
    var running: [TestProcess] = []
    var results: [String: TestResult] = [:]
    defer { for process in running { process.end() } }
    func end(_ result: TestResult) {
      var result = minimised(result, signals)
      SourcePlaces.fill(&result, of: path)
      results[result.test.name] = result
      tell(.ended(result))
    }
    while !waiting.isEmpty || !running.isEmpty {
      var later: [ValidationTest] = []
      for test in waiting {
        switch readiness(of: test, results) {
        case .never(let reason): end(TestResult(test, skipping: reason))
        case .now where running.count < settings.jobs:
          tell(.began(test))
          running.append(
            try TestProcess(test, of: path, settings, replayed: replay[test.name] ?? ""))
        case .now, .later: later.append(test)
        }
      }
      waiting = later
      if running.isEmpty { continue }
      wait(running, signals)
      running.removeAll { process in
        process.drain()
        var status: CInt = 0
        guard waitpid(process.process, &status, WNOHANG) == process.process else { return false }
        end(process.result(status))
        return true
      }
    }
    return ValidationReport(
      path: path, seed: settings.seed, results: selected.compactMap { results[$0.name] })
  }

  // MARK: Minimising

  /// So often a fault of made-up calls is looked for with less of them.
  private static let attempts = 40

  /// A result of `fuzz` that was found with as few calls as were tried.
  private func minimised(_ result: TestResult, _ signals: CInt) -> TestResult {
    guard result.outcome == .failed, let text = result.replays.first,
      let replay = FuzzReplay(text)?.made, replay.steps.count > 1
    else { return result }
    var left = Self.attempts
    let end = MonotonicClock.now + Int64((settings.fuzzTime + settings.timeout) * 1e9)
    func attempt(_ steps: [UInt64]) -> TestResult? {
      guard left > 0, MonotonicClock.now < end else { return nil }
      left -= 1
      let input = FuzzReplay(steps: steps, told: []).text
      guard let process = try? TestProcess(result.test, of: path, settings, replayed: input)
      else { return nil }
      var status: CInt = 0
      while waitpid(process.process, &status, WNOHANG) != process.process {
        wait([process], signals)
        process.drain()
      }
      let again = process.result(status)
      return again.outcome == .failed ? again : nil
    }
    // Most need no more than the last one.
    if let alone = attempt([replay.steps.last!]) { return alone }
    var (best, steps, place) = (result, replay.steps, 0)
    while place < steps.count - 1 {
      var fewer = steps
      fewer.remove(at: place)
      if let again = attempt(fewer) { (best, steps) = (again, fewer) } else { place += 1 }
    }
    return best
  }

  private enum Readiness {
    case now
    case later
    case never(String)
  }

  private func readiness(
    of test: ValidationTest, _ results: [String: TestResult]
  ) -> Readiness {
    if !test.applies(toManifest: path.hasSuffix(".native.json")) {
      return .never("it is not for this kind of file")
    }
    for name in test.needs {
      // What was not asked for is taken to be fine.
      guard selected.contains(where: { $0.name == name }) else { continue }
      guard let result = results[name] else { return .later }
      if result.outcome == .failed || result.outcome == .skipped && !isOptional(result) {
        return .never("it needs \(name), which has not passed")
      }
    }
    return .now
  }

  /// Whether a test was skipped because there was nothing to do, and not for want of another.
  private func isOptional(_ result: TestResult) -> Bool {
    !result.notes.contains { $0.message.hasPrefix("it needs ") }
  }

  /// Waits until a process has ended, has printed something, or has no time left.
  private func wait(_ running: [TestProcess], _ signals: CInt) {
    let time = running.map { $0.checkTime() }.min() ?? 0
    var descriptors = running.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
    descriptors.append(pollfd(fd: signals, events: Int16(POLLIN), revents: 0))
    poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: time / 1_000_000 + 1))
    var information = [UInt8](repeating: 0, count: 128)
    while read(signals, &information, information.count) > 0 {}
  }
}
