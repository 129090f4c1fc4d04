internal import BridgePluginHost
internal import BridgeSessions
internal import BridgeTestHost
internal import BridgeTools
internal import JSON
internal import Threads

/// A host in memory with the plugin, for tests that call its tools: it makes arguments and variables up, and bounds
/// every call.
///
/// Not thread-safe, but for `call`.
final class Trial: @unchecked Sendable {
  // @unchecked: what calls read is set before the first of them.
  let run: TestRun
  let host: TestHost
  /// The tools that can be called.
  private(set) var tools: [ToolDescription] = []
  /// What each session has: discovered by what tools look for.
  private(set) var world: [(name: String, value: ToolValue)] = []
  private let lastSession = Locked(0)
  private let state = Locked(State())
  /// Of `MonotonicClock`: from then on no more calls are made.
  private let end: Int64

  private struct State {
    /// How often calls of a tool had to be cancelled.
    var waits: [String: Int] = [:]
    var isLate = false
  }

  /// Nanoseconds that a call may take before it is cancelled: some wait for what never comes.
  private static let patience: Int64 = 250_000_000
  /// The same for tools that have waited several times.
  private static let shortPatience: Int64 = 50_000_000

  /// Loads the plugin, and has its tools look for the variables that they want.
  ///
  /// - Throws: Where it cannot be loaded; other tests tell of that.
  init(_ run: TestRun, versions: ClosedRange<UInt32>? = nil) throws {
    self.run = run
    end = MonotonicClock.now + Int64(run.settings.timeout * 0.6e9)
    var configuration = TestHost.Configuration(clock: TestClock())
    configuration.abiVersions = versions
    host = TestHost(configuration)
    run.note("loading the plugin")
    try load()
    tools = host.toolDescriptions.filter(\.outOfService.isEmpty)
    guard !tools.isEmpty else { throw TestRun.Skip(reason: "it has no tools") }
    makeWorld()
  }

  private func load() throws {
    do {
      try host.load(run.path)
    } catch {
      // It may want a configuration.
      guard !run.isManifest, let plugin = try? run.probe().describe(on: run.host),
        !plugin.configurationSchema.isEmpty
      else { throw error }
      try host.load(
        run.path, configuration: try StartTests.options(for: plugin).configuration)
    }
  }

  // MARK: Variables

  private func makeWorld() {
    world = [
      ("a_float", .value(.float(1.5), .float)), ("an_integer", .value(.integer(7), .integer)),
      ("a_string", .value(.string("text"), .string)),
      ("a_boolean", .value(.boolean(true), .boolean)),
      ("an_embedding", .value(.array(NumericArray([0.25, 0.5])), .embedding)),
      ("a_tensor", .value(.array(NumericArray([1, 2, 3, 4], shape: [2, 2])), .tensor)),
    ]
    for tool in tools {
      for pattern in tool.reads + tool.writes { add(pattern.replacing("*", with: "x")) }
    }
    // What a tool looks for and does not find is there from the next call on.
    for tool in tools {
      for made in arguments(for: tool).prefix(3) {
        guard case .ended(let record, _) = call(tool, made) else { break }
        for entry in record.trace where entry.function.hasPrefix("variables.") && entry.status == 5
        {
          if let name = entry.arguments.first(where: { $0.name == "identifier" })?.value.text {
            add(name)
          }
        }
      }
    }
  }

  private func add(_ name: String) {
    guard !name.isEmpty, world.count < 64, !world.contains(where: { $0.name == name })
    else { return }
    world.append((name, .value(.float(2), .float)))
  }

  /// A session with the variables.
  func session() throws -> TestSession {
    let number = lastSession.withLock { last in
      last += 1
      return last
    }
    let session = try host.session("trial-\(number)")
    for variable in world {
      // A name that no variable can have is one that a tool has made up.
      try? session.define(variable.name, variable.value)
    }
    return session
  }

  // MARK: Arguments

  /// Names that variables have in the sessions of trials.
  var names: [String] { world.map(\.name) }

  /// The same valid arguments for a tool in every test of a seed: with all parameters, with only those that are
  /// required, and some in between.
  func arguments(for tool: ToolDescription, _ count: Int = 6) -> [MadeArguments] {
    var random = SeededRandom(run.settings.seed, for: "arguments of \(tool.name)")
    let maker = ArgumentMaker(tool, names: names)
    var all: [MadeArguments] = []
    for optional in [true, false] + [Bool?](repeating: nil, count: max(0, count - 2)) {
      if let made = maker.valid(&random, optional: optional) { all.append(made) }
    }
    if tool.parameters.isEmpty { all = Array(all.prefix(max(1, min(count, 3)))) }
    return all
  }

  // MARK: Calls

  /// How a call ended.
  enum End {
    /// By itself, or because it was cancelled when it had waited for long.
    case ended(CallRecord, hasWaited: Bool)
    /// It goes on though it was cancelled.
    case stuck
    /// The host has not taken the arguments.
    case refused(String)
  }

  /// Calls a tool, in a session of its own where none is given.
  ///
  /// - Parameters:
  ///   - notes: Whether it is noted for the case that it never ends.
  ///   - patience: Nanoseconds after which it is cancelled; nil for the usual ones.
  func call(
    _ tool: ToolDescription, _ made: MadeArguments, in session: TestSession? = nil,
    _ options: CallOptions = CallOptions(), notes: Bool = true, patience: Int64? = nil
  ) -> End {
    if MonotonicClock.now > end {
      if notes, !state.withLock(\.isLate) {
        run.warn("there was no time for all calls: --timeout gives more")
        state.withLock { $0.isLate = true }
      }
      return .refused("there is no time left")
    }
    if notes { run.note(Self.words(tool, made, options)) }
    var options = options
    let waits = state.withLock { $0.waits[tool.name] ?? 0 }
    options.timeout = patience ?? (waits < 2 ? Self.patience : Self.shortPatience)
    let arguments = Dictionary(
      made.arguments.map { ($0.name, $0.given) }, uniquingKeysWith: { $1 })
    do {
      let place = try session ?? self.session()
      let running = try host.start(tool.name, arguments, in: place, options: options)
      if let record = try? running.wait() { return .ended(record, hasWaited: false) }
      // It was cancelled by that. From now on it is to end.
      state.withLock { $0.waits[tool.name, default: 0] += 1 }
      let rounds = Int(run.settings.grace * 1e9) / Int(options.timeout) + 1
      for _ in 0..<rounds {
        if let record = try? running.wait() { return .ended(record, hasWaited: true) }
      }
      return .stuck
    } catch {
      return .refused("\(error)")
    }
  }

  /// Calls a tool for tests to which calls that do not end, or are not taken, are nothing new.
  ///
  /// - Returns: nil where the call was no good.
  func record(
    _ tool: ToolDescription, _ made: MadeArguments, in session: TestSession? = nil,
    _ options: CallOptions = CallOptions()
  ) throws -> CallRecord? {
    switch call(tool, made, in: session, options) {
    case .ended(let record, let hasWaited): return hasWaited ? nil : record
    case .refused: return nil
    case .stuck: throw TestRun.Skip(reason: "calls of \(tool.name) do not end; see the test ends")
    }
  }

  /// Notes a fault of a tool, with the place of its function.
  func fail(_ message: String, _ tool: ToolDescription, remedy: String = "") {
    run.fail(
      message, tool: tool.name, at: PluginProbe.address(ofTool: tool.name, in: host.registry),
      remedy: remedy)
  }

  /// A call in words.
  static func words(
    _ tool: ToolDescription, _ made: MadeArguments, _ options: CallOptions
  ) -> String {
    var words = "calling \(tool.name) with \(made.text)"
    if !made.what.isEmpty, made.what != "made up" { words += " (\(made.what))" }
    for fault in options.faults.prefix(3) { words += ", \(fault.words)" }
    return words
  }
}

extension MadeArguments {
  /// The arguments as JSON, cut off where they are long.
  var text: String {
    let members = arguments.map { "\"\($0.name)\": \(Self.short($0.given))" }
    return "{\(members.joined(separator: ", "))}"
  }

  private static func short(_ value: ToolValue) -> String {
    let count =
      switch value {
      case .bytes(let bytes), .json(let bytes, _): bytes.count
      case .value(.string(let text), _): text.utf8.count
      case .value(.array(let array), _): array.bytes.count
      default: 0
      }
    // Their texts take long to make.
    if count > 1 << 20 { return "… (\(count) bytes)" }
    let text = value.jsonText
    return text.utf8.count > 200 ? text.prefix(160) + "… (\(text.utf8.count) bytes)" : text
  }
}

extension Fault {
  /// What happens, in a few words.
  var words: String {
    let what =
      switch effect {
      case .cancel: "cancelled"
      case .deadline: "past its deadline"
      case .fail(100, _): "its stream full"
      case .fail(let status, _): "failing with status \(status)"
      }
    return switch moment {
    case .start: "\(what) as it begins"
    case .hostCall(let number): "\(what) at its host call \(number)"
    case .use(let name, 0): "\(name) \(what) always"
    case .use(let name, let number): "\(name) \(what) at use \(number)"
    case .after(let time): "\(what) after \(time / 1_000_000) ms"
    }
  }
}
