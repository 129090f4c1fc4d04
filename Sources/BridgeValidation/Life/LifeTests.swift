internal import BridgePluginHost
internal import BridgeTestHost
internal import BridgeTools
internal import Glibc
internal import Threads

/// Whether a plugin can be used for long.
enum LifeTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "leaks-handles", level: 9, .life,
      "A call gives back what it takes of the host, but for a few things that go with the call.",
      remedy: "Release snapshots, end watches and drop invocations as soon as they are not needed.",
      needs: ContractTests.called
    ) { run in
      try ContractTests.eachRecord(run) { trial, tool, record in
        if let (function, count) = record.leftOver.max(by: { $0.value < $1.value }), count > 32 {
          trial.fail("when it ends, \(count) things wait for \(function)", tool)
        }
      }
    },
    ValidationTest(
      "leaks-memory", level: 9, .life, "Calls do not take more memory each time.",
      remedy:
        "Free what a call allocates, also where it fails; a leak checker (`--sanitizer address` of "
        + "`bridge-host call`) names the place.",
      needs: ContractTests.called + ["leaks-threads", "leaks-descriptors"], for: .all
    ) { run in
      let heap = run.settings.heapBytes
      try growth(run, atLeast: 24, bytesOf: { Int64(heap()) }) { "\($0) bytes of memory" }
    },
    ValidationTest(
      "leaks-descriptors", level: 9, .life, "Calls do not leave files or sockets open.",
      remedy: "Close what a call opens, also where it fails.", needs: ContractTests.called,
      for: .all
    ) { run in
      try growth(run, atLeast: 1, bytesOf: { Int64(ProcessWatch.descriptors.count) }) {
        "\($0) descriptors"
      }
    },
    ValidationTest(
      "leaks-threads", level: 9, .life, "Calls do not leave threads behind.",
      remedy: "End and join what a call starts, or keep a fixed number of threads.",
      needs: ContractTests.called, for: .all
    ) { run in
      try growth(run, atLeast: 1, bytesOf: { Int64(ProcessWatch.threads.count) }) {
        "\($0) threads"
      }
    },
    ValidationTest(
      "reload", level: 9, .life,
      "It can be loaded, called and unloaded a thousand times, as far as memory goes.",
      remedy:
        "Free in `deinit` what `init` and calls have made; end threads there; leave out BRIDGE_PLUGIN_UNLOADABLE "
        + "where code has to stay.", needs: ContractTests.called + ["stop"], reload),
  ]

  // MARK: Leaks

  /// Calls in each of the three times that are compared.
  private static let calls = 200
  /// Less of them tell nothing.
  private static let leastCalls = 20

  /// Looks whether something grows with every call.
  ///
  /// - Parameters:
  ///   - least: Growth a call that counts.
  ///   - amount: How much there is now.
  private static func growth(
    _ run: TestRun, atLeast least: Int64, bytesOf amount: () -> Int64, _ words: (Int64) -> String
  ) throws {
    let plain = try PlainHost(run)
    /// What there is after some calls in a session of their own, which is gone by then with all it has kept.
    func measured(after count: Int, of tool: ToolDescription, _ all: [MadeArguments]) throws
      -> Int64
    {
      try plain.renewSession()
      for number in 0..<count { _ = plain.call(tool, all[number % all.count]) }
      try plain.renewSession()
      return settled(amount)
    }
    let room = Int64(run.settings.timeout * 0.5e9) / Int64(max(1, plain.tools.count))
    for tool in plain.tools {
      let all = plain.arguments(for: tool)
      guard let first = all.first else { continue }
      run.note("calling \(tool.name) again and again with \(first.text)")
      let began = MonotonicClock.now
      // What waits for something is left out; what calls need once is there after these.
      guard (0..<10).allSatisfy({ plain.call(tool, all[$0 % all.count]) || $0 > 0 }) else {
        continue
      }
      let each = max(1, (MonotonicClock.now - began) / 10)
      let count = Int(min(Int64(calls), room / 5 / each))
      guard count >= leastCalls else {
        run.warn("its calls take too long to be made often: --timeout gives more", tool: tool.name)
        continue
      }
      _ = try measured(after: count, of: tool, all)
      // Sessions leave something behind without any calls, too.
      let idle = try (0..<3).map { _ in try measured(after: 0, of: tool, all) }
      let own = max(0, idle[1] - idle[0], idle[2] - idle[1])
      let amounts = try (0..<4).map { _ in try measured(after: count, of: tool, all) }
      let growths = zip(amounts.dropFirst(), amounts).map { $0 - $1 - own }
      // Only what grows each time goes on growing.
      guard let slowest = growths.min(), slowest >= Int64(count) * least else { continue }
      run.fail(
        "each call leaves \(words(slowest / Int64(count))) behind, with \(first.text)",
        tool: tool.name, at: plain.address(of: tool))
    }
  }

  /// An amount once it stays the same: threads that end and sessions that go take a moment.
  private static func settled(_ amount: () -> Int64) -> Int64 {
    var last = amount()
    for _ in 0..<50 {
      usleep(4000)
      let next = amount()
      if next >= last { return last }
      last = next
    }
    return last
  }

  // MARK: Loading again

  private static let cycles = 1000
  /// What stays mapped of a plugin that cannot go may take so much: bytes.
  private static let room = 256 << 20
  /// What a cycle may take of memory: a host never forgets a loading, and the loader keeps a little.
  private static let allowance: Int64 = 4096

  private static func reload(_ run: TestRun) throws {
    let probe = try run.probe()
    let size = max(1, try probe.size())
    let first = try probe.describe(on: run.host)
    let isUnloadable = first.isUnloadable
    let options = try StartTests.options(for: first)
    try first.start(options)
    _ = first.stop(until: MonotonicClock.now + 5_000_000_000)
    // Each one that stays has a descriptor, too.
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let count = isUnloadable ? cycles : min(cycles, max(5, room / size))
    var amounts: [Int64] = []
    let plain = try PlainHost(run, options)
    for cycle in 0..<count {
      run.note("loading it for the \(cycle + 1)th time")
      if cycle > 0 { try plain.load() }
      if let tool = plain.tools.first, let made = plain.arguments(for: tool).first {
        _ = plain.call(tool, made)
      }
      guard plain.unload() else {
        return run.fail("it does not stop when it is unloaded for the \(cycle + 1)th time")
      }
      if cycle % (count / 4 + 1) == count / 4 || cycle == count - 1 {
        try plain.renewSession()
        amounts.append(settled { Int64(run.settings.heapBytes()) })
      }
    }
    if isUnloadable, let reason = try whyItStays(probe) {
      return run.fail("it says that its code can go, and it cannot: \(reason)")
    }
    let growths = zip(amounts.dropFirst(), amounts).map { $0 - $1 }
    let steps = Int64(count / 4)
    if isUnloadable, let slowest = growths.min(), steps > 0, slowest > steps * allowance {
      run.fail("each time it is loaded and unloaded leaves \(slowest / steps) bytes behind")
    }
    if count < cycles {
      run.warn("it stays mapped when it is unloaded, so it was loaded \(count) times only")
    }
  }

  /// What keeps the code of an object in memory; nil where nothing does.
  private static func whyItStays(_ probe: PluginProbe) throws -> String? {
    let facts = try probe.facts()
    if facts.staysMapped { return "it is linked with `-z nodelete`" }
    let unique = facts.dynamicSymbols.first { $0.isUnique && $0.isDefined }
    return unique.map {
      "the whole process shares \(SwiftName.readable($0.name)) (`-fno-gnu-unique` helps)"
    }
  }
}
