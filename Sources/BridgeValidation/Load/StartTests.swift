internal import BridgePluginHost
internal import BridgeTools
internal import Glibc
internal import JSON
internal import Threads

/// What a plugin does while it is loaded, started and stopped.
enum StartTests {
  /// So long a plugin may take to load, beside waiting for its turn on the processor: nanoseconds.
  private static let patience: Int64 = 1_000_000_000

  private static let beforeStart = [
    "file", "text-relocations", "executable-stack", "dependencies", "symbols", "entry-exported",
  ]

  static let all: [ValidationTest] = [
    ValidationTest(
      "initialisers", level: 1, .load,
      "Its static initialisers return: they do not crash, throw or end the process.",
      remedy: "Do nothing in static initialisers that can fail; `init` may fail, and say why.",
      needs: beforeStart
    ) { run in
      run.note("running its static initialisers")
      try run.probe().map()
    },
    ValidationTest(
      "initialisers-quiet", level: 2, .load, "Its static initialisers print nothing.",
      remedy:
        "Write to the host's log with `bridge_host.log` from `init`; standard output belongs to the host.",
      needs: ["initialisers"]
    ) { run in
      let printed = try Printed()
      let probe = try run.probe()
      printed.begin()
      defer { printed.end() }
      try probe.map()
      if let text = printed.end() { run.fail("its static initialisers print \"\(text)\"") }
    },
    ValidationTest(
      "initialisers-threads", level: 2, .load, "Its static initialisers start no threads.",
      remedy: "Start threads in `init`, and end them in `deinit`.", needs: ["initialisers"]
    ) { run in
      let probe = try run.probe()
      let before = ProcessWatch.threads
      try probe.map()
      let new = ProcessWatch.threads.filter { before[$0.key] == nil }
      // Go's runtime has threads from the moment it is loaded, and nobody can tell it not to.
      if !new.isEmpty, try !probe.facts().hasOwnRuntime {
        run.fail("its static initialisers start \(new.count) threads")
      }
    },
    ValidationTest(
      "initialisers-time", level: 2, .load,
      "It is loaded within a second.",
      remedy: "Leave what takes long to `init`, or to the first call that needs it.",
      needs: ["initialisers"]
    ) { run in
      let probe = try run.probe()
      let watch = OwnTime()
      try probe.map()
      let time = watch.nanoseconds
      if time > patience { run.fail("its static initialisers take \(time / 1_000_000) ms") }
    },
    ValidationTest(
      "entry", level: 1, .load,
      "Its entry function answers a description, or refuses in a sentence.",
      remedy:
        "Set `*plugin` and answer BRIDGE_OK; to refuse, call `host->refuse` and answer another status.",
      needs: ["initialisers"]
    ) { run in
      let probe = try run.probe()
      try probe.map()
      run.note("calling bridge_plugin_entry")
      let entry = try probe.enter(on: run.host)
      let address = try probe.facts().dynamicSymbols.first { $0.name == "bridge_plugin_entry" }?
        .address
      if let exception = entry.exception {
        run.fail("an exception left its entry function: \(exception)", at: address)
      } else if entry.status != 0 {
        guard let refusal = entry.refusal, !refusal.isEmpty else {
          return run.fail(
            "its entry function refuses with status \(entry.status) and does not say why",
            at: address)
        }
        run.fail("it refuses to be loaded: \(refusal)", at: address)
      } else if !entry.hasDescription {
        run.fail("its entry function answers BRIDGE_OK and no description", at: address)
      }
    },
    ValidationTest(
      "descriptor", level: 1, .load,
      "What it says of itself can be used: sizes of structs, versions, flags, names, types, schemas.",
      remedy:
        "Set each struct to zero, then its size, then what you want to say; bridge/tool.h and bridge/entry.h "
        + "tell what each field may be.",
      needs: ["entry"]
    ) { run in
      run.note("reading what it says of itself")
      let plugin = try run.probe().describe(on: run.host)
      // A host registers them: that finds two tools of one name.
      try run.host.registry.register(plugin.provider)
    },
    ValidationTest(
      "descriptor-stays", level: 2, .load,
      "What it says of itself stays as it is once the entry function has returned.",
      remedy:
        "Make the descriptions static; the host reads them for as long as the plugin is loaded.",
      needs: ["start"]
    ) { run in
      run.note("reading twice what it says of itself")
      let says: (String, String)
      do {
        says = try run.probe().sayTwice(on: run.host) { plugin in
          try? plugin.start(try options(for: plugin))
          useStack(64)
        }
      } catch {
        return run.fail("what it says of itself cannot be read a second time: \(error)")
      }
      if says.0 != says.1 { run.fail("what it says of itself is not the same a second time") }
    },
    ValidationTest(
      "start", level: 1, .load,
      "It starts with a configuration that its schema takes, and stops.",
      remedy:
        "Take every configuration that the schema takes; refuse with `host->refuse` and a sentence.",
      needs: ["descriptor"]
    ) { run in
      let plugin = try run.probe().describe(on: run.host)
      run.note("starting it")
      try plugin.start(try options(for: plugin))
      run.note("stopping it")
      if !plugin.stop(until: MonotonicClock.now + Int64(run.settings.timeout * 0.5e9)) {
        run.fail("it does not stop: its deinit function does not return")
      }
      let exceptions = run.log.warnings.filter { $0.hasPrefix("an exception left") }
      if let line = exceptions.first { run.fail(line) }
    },
    ValidationTest(
      "load-quiet", level: 2, .load, "It prints nothing while it starts and stops.",
      remedy:
        "Write to the host's log with `bridge_host.log`; standard output belongs to the host.",
      needs: ["start", "initialisers-quiet"]
    ) { run in
      let printed = try Printed()
      let probe = try run.probe()
      printed.begin()
      defer { printed.end() }
      let plugin = try probe.describe(on: run.host)
      try plugin.start(try options(for: plugin))
      _ = plugin.stop(until: MonotonicClock.now + Int64(run.settings.timeout * 0.5e9))
      if let text = printed.end() {
        run.fail("it prints \"\(text)\" while it starts or stops")
      }
    },
    ValidationTest(
      "load-state", level: 2, .load,
      "Loading and starting it changes nothing that the whole process shares: signals, working directory, locale, "
        + "umask, environment, descriptors 0 to 2, modes of arithmetic.",
      remedy: "Leave it alone, or put it back before you return; what tools need, they are given.",
      needs: ["start"]
    ) { run in
      let watch = ProcessWatch()
      let probe = try run.probe()
      let before = ProcessWatch.descriptors
      let plugin = try probe.describe(on: run.host)
      try plugin.start(try options(for: plugin))
      let isOpen = ProcessWatch.descriptors
      let closed = (0...2).filter { before[CInt($0)] != nil && isOpen[CInt($0)] == nil }
      let changes = StateCheck.others(
        watch.changes() + StateCheck.changes(toldIn: run.log.warnings)
          + closed.map { "descriptor \($0), which it closes" }, of: run)
      if !changes.isEmpty { run.fail("it changes \(changes.joined(separator: ", "))") }
    },
    ValidationTest(
      "stop", level: 2, .load,
      "When it has stopped, its threads have ended, and what it has opened is closed.",
      remedy: "End in `deinit` what `init` has begun, and wait for it.", needs: ["start"]
    ) { run in
      let probe = try run.probe()
      let plugin = try probe.describe(on: run.host)
      let before = (ProcessWatch.threads, ProcessWatch.descriptors)
      try plugin.start(try options(for: plugin))
      _ = plugin.stop(until: MonotonicClock.now + Int64(run.settings.timeout * 0.5e9))
      if try probe.facts().hasOwnRuntime { return }
      let threads = ProcessWatch.threads.filter {
        before.0[$0.key] == nil && $0.value != "plugin-stop"
      }
      if !threads.isEmpty {
        run.fail("\(threads.count) threads that it has started run on when it has stopped")
      }
      let files = ProcessWatch.descriptors.filter { before.1[$0.key] != $0.value }
      if let file = files.first {
        run.fail("it leaves \(files.count) descriptors open, as one of \(file.value)")
      }
    },
    ValidationTest(
      "settings", level: 2, .load,
      "What NAME.plugin.json beside it says goes with what the plugin says.",
      remedy:
        "docs/plugins.md tells what may be in the file; the names of tools are those that the plugin declares.",
      needs: ["start"]
    ) { run in
      try SettingsCheck.run(run)
    },
  ]

  /// What a plugin is started with: the simplest configuration that its schema takes.
  static func options(for plugin: ProbedPlugin) throws -> LoadOptions {
    guard !plugin.configurationSchema.isEmpty else { return LoadOptions() }
    let schema = try JSONSchema(parsing: plugin.configurationSchema)
    if try schema.faults(in: .object([])).isEmpty { return LoadOptions() }
    var random = SeededRandom(1)
    let json = try JSON(parsing: plugin.configurationSchema)
    for _ in 0..<200 {
      let value = SchemaValues(json).value(&random)
      if case .object = value, try schema.faults(in: value).isEmpty {
        return LoadOptions(configuration: value.text)
      }
    }
    throw TestRun.Skip(reason: "no configuration could be made up that its schema takes")
  }

  /// Writes over what functions before have left on the stack.
  private static func useStack(_ depth: Int) {
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
      if depth > 0 { useStack(depth - 1) }
    }
  }
}
