public import BridgePluginHost
internal import BridgePluginChannel
internal import BridgePluginProcess
public import BridgeTools
internal import Glibc
internal import Logging
internal import Threads
internal import TrustedFiles

/// The plugins of a directory: which there are, where each runs, and what becomes of it.
///
/// Thread-safe. One look at the directory goes on at a time; loads go on beside it.
public final class PluginDirectory: Sendable {
  /// What became of one file of the directory.
  public struct LoadReport: Sendable {
    /// The path of the file.
    public let file: String
    /// The tools it brought, or why it was not loaded.
    public let result: Result<[String], PluginError>
    /// Whether its settings say that it is not to be served.
    public let isDisabled: Bool
  }

  /// How plugins run for which nobody says otherwise.
  public struct Configuration: Sendable {
    /// Where the code of plugins runs whose settings do not say.
    public var isolation = PluginIsolation.child
    /// What the processes of plugins give up whose settings do not say.
    public var profile = PluginProfile.default
    /// Where `bridge-plugin-runner` is; nil looks beside the running program.
    public var runner: String?
    /// Calls that run at once in a plugin's process.
    public var calls = 64
    /// A directory of cgroup v2 in which each process of a plugin has a group; empty makes none.
    public var groups = ""
    /// Whether plugins are refused whose SHA-256 nobody has written down.
    public var requiresDigests = false

    /// The defaults.
    public init() {}
  }

  /// The absolute path that was given, links and all.
  private let path: String
  /// The one file that is looked at; nil for all.
  private let only: String?
  let tools: ToolHost
  private let host: PluginHost
  private let runner: PluginRunner
  private let configuration: Configuration
  /// Changed by whoever has the turn, read by all.
  private let state = Locked(State())
  private let turn = Exclusion()

  private struct State {
    var entries: [String: PluginEntry] = [:]
    /// What serves of files that are gone, and since when: a file that is being loaded may bring the same
    /// tools, and then replaces it.
    var departing: [(entry: PluginEntry, since: Int64)] = []
    var watch: DirectoryWatch?
    var isEnding = false
    /// Why the directory could not be used at the last look.
    var fault: String?
    /// The look that the host starts with, while its loads go on.
    var first: (files: [String], look: Look)?
    /// Files that somebody does not want served, and why: also when they go and come again.
    var disabled: [String: String] = [:]
  }

  /// Files that look as if they were still being written are left alone for so long after they last changed:
  /// nanoseconds.
  static let quietTime: Int64 = 200_000_000
  /// So long the tools of a file that is gone wait at most for one that replaces it: nanoseconds.
  static let departureTime: Int64 = 1_000_000_000

  /// - Parameters:
  ///   - path: Of the directory; it is looked at when it is loaded.
  ///   - only: The name of the one file that is looked at; nil for all.
  ///   - tools: Where the tools go, and what their calls run on.
  public init(
    _ path: String, only: String? = nil, tools: ToolHost,
    configuration: Configuration = Configuration()
  ) {
    self.path = Self.absolute(path)
    self.only = only
    self.tools = tools
    self.configuration = configuration
    host = PluginHost(tools: tools)
    runner = PluginRunner(
      path: configuration.runner ?? Self.besideThisProgram(PluginRunner.programName),
      version: hostVersion, logger: tools.logger)
  }

  private static func absolute(_ path: String) -> String {
    var bytes = Array(path.utf8)
    let slash = UInt8(ascii: "/")
    if bytes.first != slash, let working = getcwd(nil, 0) {
      defer { free(working) }
      bytes = Array(String(cString: working).utf8) + [slash] + bytes
    }
    while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func besideThisProgram(_ name: String) -> String {
    guard let program = realpath("/proc/self/exe", nil) else { return name }
    defer { free(program) }
    let path = String(cString: program)
    return path[...(path.lastIndex(of: "/") ?? path.startIndex)] + name
  }

  deinit { state.withLock(\.watch)?.cancel() }

  // MARK: Loading

  /// How a plugin is loaded, as its settings say (`NAME.plugin.json`).
  ///
  /// - Throws: `PluginError` that says what is wrong in the file, and where.
  package static func loadOptions(beside plugin: String) throws(PluginError) -> LoadOptions {
    try PluginSettings(beside: plugin).options
  }

  /// Loads every `.so` and every `.native.json` of the directory.
  ///
  /// - Returns: A report a file: a file that cannot be loaded is skipped.
  /// - Throws: `PluginError` when the directory itself cannot be used.
  public func load() throws(PluginError) -> [LoadReport] {
    try beginLoading()
    return finishLoading()
  }

  /// Makes ready what takes a while, should there be plugins for processes of their own.
  public func prepare() {
    guard configuration.isolation != .inProcess, let files = try? listed() else {
      return
    }
    if !files.isEmpty { runner.prepare() }
  }

  /// Begins to load every `.so` and every `.native.json` of the directory, in other threads and processes. Once.
  ///
  /// - Throws: `PluginError` when the directory itself cannot be used.
  public func beginLoading() throws(PluginError) {
    let files: [String]
    do {
      files = try listed()
    } catch {
      throw PluginError(error.message)
    }
    turn.take {
      var look = Look(at: MonotonicClock.now)
      look.isFirst = true
      look.waits = true
      beginLook(files, &look)
      let begun = look
      state.withLock { $0.first = (files, begun) }
    }
  }

  /// Waits for what `beginLoading` has begun, and registers the tools. What runs in this process is loaded on the
  /// calling thread.
  ///
  /// - Returns: A report a file: a file that cannot be loaded is skipped.
  public func finishLoading() -> [LoadReport] {
    var reports: [LoadReport] = []
    turn.take {
      guard let (files, begun) = state.withLock({ $0.first.take() }) else { return }
      var look = begun
      finish(files, &look)
      for (file, report) in look.reports {
        let path = place(of: file)
        switch report {
        case .loaded(let tools):
          reports.append(LoadReport(file: path, result: .success(tools), isDisabled: false))
        case .disabled:
          reports.append(LoadReport(file: path, result: .success([]), isDisabled: true))
        case .failed(let reason):
          reports.append(
            LoadReport(file: path, result: .failure(PluginError(reason)), isDisabled: false))
        case .removed, .waiting, .library: break
        }
      }
    }
    return reports
  }

  /// Looks at the directory again: loads what is new or has changed, and lets go of what is not there any more.
  ///
  /// - Parameters:
  ///   - now: Of `MonotonicClock`.
  ///   - waits: Whether to wait for what is being loaded.
  /// - Returns: When to look again even if nothing happens.
  @discardableResult
  func refresh(at now: Int64 = MonotonicClock.now, waits: Bool = true) -> Int64? {
    turn.take {
      var look = Look(at: now)
      look.waits = waits
      return refresh(&look)
    }
  }

  /// Waits for its turn.
  func refresh(forced: Set<String>) -> Look {
    turn.take {
      var look = Look(at: MonotonicClock.now)
      look.waits = true
      look.forced = forced
      // The thread that watches looks again when it is time.
      if refresh(&look) != nil { state.withLock(\.watch)?.poke() }
      return look
    }
  }

  /// Has the turn.
  private func refresh(_ look: inout Look) -> Int64? {
    guard !state.withLock(\.isEnding) else { return nil }
    do {
      let files = try listed()
      setFault(nil)
      self.look(files, &look)
    } catch {
      // Where there is no directory, there are no files. Where it cannot be trusted or read, what serves goes on.
      setFault(error.message)
      if error.isMissing { self.look([], &look) }
    }
    tell(look.reports)
    return look.again
  }

  private func setFault(_ fault: String?) {
    let old = state.withLock { state in
      defer { state.fault = fault }
      return state.fault
    }
    guard old != fault else { return }
    if let fault {
      tools.logger.error("the plugin directory cannot be used", metadata: ["error": "\(fault)"])
    } else {
      tools.logger.notice("the plugin directory can be used again")
    }
  }

  /// The files that may be plugins.
  private func listed() throws(TrustedFileError) -> [String] {
    var names = try TrustedDirectory(path).entries()
    if let only { names.removeAll { $0 != only } }
    // Shared objects first: manifests may name them.
    return names.filter { $0.hasSuffix(".so") }
      + names.filter { $0.hasSuffix(PluginFiles.manifestEnding) }
  }

  /// The path of a file, by which its plugin is registered: the same wherever links lead.
  private func place(of file: String) -> String { "\(path)/\(file)" }

  // MARK: A look

  /// One look at the directory, and what came of it.
  struct Look {
    let now: Int64
    /// Whether the host starts: nobody has to be kept from what is about to be loaded.
    var isFirst = false
    var waits = false
    /// Files that are loaded even if they have not changed.
    var forced: Set<String> = []
    /// By file, in order.
    fileprivate(set) var reports: [(file: String, Report)] = []
    /// When to look again.
    fileprivate(set) var again: Int64?

    enum Report {
      case loaded([String])
      case failed(String)
      case removed
      /// Its settings say that it is not served.
      case disabled
      /// It is still being written.
      case waiting
      /// It is no plugin, but belongs to one.
      case library
    }

    init(at now: Int64) { self.now = now }

    fileprivate mutating func lookAgain(at moment: Int64) { again = min(again ?? .max, moment) }
  }

  /// What is known, by file.
  var entries: [String: PluginEntry] { state.withLock(\.entries) }

  /// Changes what is known of a file. Has the turn.
  @discardableResult
  func update<Result: Sendable>(
    _ file: String, _ body: @Sendable (inout PluginEntry) -> Result
  ) -> Result? {
    state.withLock { state -> Result? in
      guard var entry = state.entries[file] else { return nil }
      defer { state.entries[file] = entry }
      return body(&entry)
    }
  }

  private func look(_ names: [String], _ look: inout Look) {
    beginLook(names, &look)
    finish(names, &look)
  }

  private func beginLook(_ names: [String], _ look: inout Look) {
    let gone = entries.values.filter { !names.contains($0.file) }
    let now = look.now
    state.withLock { state in
      for entry in gone {
        state.entries[entry.file] = nil
        state.departing.append((entry, now))
      }
    }
    for entry in gone { entry.load?.abandon() }
    for file in names where entries[file] == nil {
      let path = place(of: file)
      state.withLock { state in
        var entry = PluginEntry(file: file, path: path)
        if let reason = state.disabled[file] { entry.hold(.disabled(reason)) }
        state.entries[file] = entry
      }
    }
    var hasChanged = !gone.isEmpty
    for file in names {
      guard let parts = entries[file]?.parts else { continue }
      let stamp = PluginStamp(of: parts)
      if update(file, { $0.look(stamp, at: now) }) == true { hasChanged = true }
    }
    begin(names, &look, hasChanged: hasChanged)
  }

  /// Begins to load what is to be. What is broken is tried again when anything has changed: it may be that what
  /// it needs is there now, or that what was in its way is gone.
  private func begin(_ names: [String], _ look: inout Look, hasChanged: Bool) {
    for file in names {
      let isForced = look.forced.contains(file)
      let isWanted = update(file) { entry in
        if isForced || (hasChanged && (entry.isBroken || entry.isLibrary)) { entry.retry() }
        return entry.isWanted
      }
      guard isWanted == true, let entry = entries[file] else { continue }
      let isQuiet = look.now - entry.unchangedSince >= Self.quietTime
      var way = PluginLoad.Way()
      way.isTried = !look.isFirst
      way.isCautious = !look.isFirst && !isQuiet && !isForced
      way.whenQuarantined = { [weak self] plugin, reason in
        self?.crashed(plugin, file, reason)
      }
      way.whenDone = { [weak self] in self?.state.withLock(\.watch)?.poke() }
      let load = PluginLoad(entry.path, placeOfLoads, way)
      update(file) { $0.begin(load) }??.abandon()
      load.start()
    }
  }

  /// What files are loaded with.
  var placeOfLoads: PluginLoad.Place {
    PluginLoad.Place(
      host: host, runner: runner, tools: tools, isolation: configuration.isolation,
      calls: configuration.calls, requiresDigests: configuration.requiresDigests,
      profile: configuration.profile, groups: configuration.groups)
  }

  /// Takes what is loaded into the registry, and what is gone out of it.
  private func finish(_ names: [String], _ look: inout Look) {
    var clashing: [(file: String, PluginLoad.Loaded, reason: String)] = []
    for file in names {
      guard let entry = entries[file], let load = entry.load, look.waits || load.isFinished else {
        continue
      }
      let outcome = load.wait()
      update(file) { $0.endLoad() }
      if hasMoved(entry, load, &look) {
        load.abandon()
        continue
      }
      if let (loaded, reason) = take(file, outcome, load, &look) {
        clashing.append((file, loaded, reason))
      }
    }
    // A tool's name may have become free: two files have changed places.
    for (file, loaded, reason) in clashing where register(file, loaded, &look) != nil {
      loaded.provider.retire()
      fail(file, reason, &look)
    }
    removeDeparting(&look)
    noteLibraries(&look)
  }

  /// Looks whether the files were changed while they were loaded.
  private func hasMoved(_ entry: PluginEntry, _ load: PluginLoad, _ look: inout Look) -> Bool {
    let before = entry.parts
    let stamp = PluginStamp(of: before)
    if stamp != entry.stamp {
      // A look after that loads them as they are then.
      look.lookAgain(at: look.now + Self.quietTime)
      return true
    }
    let parts = load.parts
    guard !parts.isEmpty else { return false }
    if update(entry.file, { $0.found(parts) }) == true, let entry = entries[entry.file] {
      let stamp = PluginStamp(of: entry.parts)
      update(entry.file) { $0.restamp(stamp) }
    }
    return false
  }

  /// - Returns: What has a tool whose name is taken, and the reason in words.
  private func take(
    _ file: String, _ outcome: PluginLoad.Outcome, _ load: PluginLoad, _ look: inout Look
  ) -> (PluginLoad.Loaded, String)? {
    switch outcome {
    case .elsewhere(let plugin, let isolation):
      let loaded = PluginLoad.Loaded(provider: plugin, isolation: isolation)
      return register(file, loaded, &look).map { (loaded, $0) }
    case .here(let files, let settings):
      do throws(PluginError) {
        let loaded = try load.open(files, settings)
        return register(file, loaded, &look).map { (loaded, $0) }
      } catch {
        fail(file, error.description, &look)
      }
    case .tried: break
    case .disabled:
      update(file) { $0.hold(.disabledBySettings) }
      tools.registry.remove(place(of: file))
      look.reports.append((file, .disabled))
    case .failed(let reason): fail(file, reason, &look)
    // The manifest that it belongs to may come a moment later.
    case .noPlugin: wait(for: file, Self.noPlugin(load.path), &look)
    case .incomplete(let reason): wait(for: file, reason, &look)
    }
    return nil
  }

  /// A file cannot be used as it is, and may be another one in a moment.
  private func wait(for file: String, _ reason: String, _ look: inout Look) {
    guard let entry = entries[file] else { return }
    let quiet = entry.unchangedSince + Self.quietTime
    if look.isFirst || look.now >= quiet || look.forced.contains(file) {
      fail(file, reason, &look)
    } else {
      update(file) { $0.retry() }
      look.lookAgain(at: quiet)
      look.reports.append((file, .waiting))
    }
  }

  static func noPlugin(_ path: String) -> String {
    "\(path) is no plugin: it does not export bridge_plugin_entry"
  }

  /// - Returns: Why it cannot be registered.
  private func register(
    _ file: String, _ loaded: PluginLoad.Loaded, _ look: inout Look
  ) -> String? {
    // What brings the same tools from another file that is gone is replaced in one step.
    let names = Set(loaded.provider.tools.map(\.description.name))
    let others = state.withLock(\.departing).map(\.entry).filter { entry in
      entry.file == file
        || entry.serving?.generation.provider.tools.contains { names.contains($0.description.name) }
          ?? false
    }
    let generation: ProviderGeneration
    do throws(ToolsError) {
      generation = try tools.registry.register(
        loaded.provider, removing: others.map(\.path).filter { $0 != loaded.provider.id })
    } catch {
      return PluginError(registering: loaded.provider.id, error).description
    }
    for entry in others {
      state.withLock { $0.departing.removeAll { $0.entry.file == entry.file } }
      if entry.file != file { look.reports.append((entry.file, .removed)) }
    }
    let now = Self.timeOfDay
    update(file) { entry in
      entry.serves(
        PluginEntry.Serving(
          generation: generation, isolation: loaded.isolation, child: loaded.child, loadedAt: now))
    }
    look.reports.append((file, .loaded(loaded.provider.tools.map(\.description.name))))
    return nil
  }

  private static var timeOfDay: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private func fail(_ file: String, _ reason: String, _ look: inout Look) {
    let isNews = update(file) { entry in
      defer { entry.failed(reason) }
      return entry.failure != reason
    }
    if isNews == true || look.isFirst || look.forced.contains(file) {
      look.reports.append((file, .failed(reason)))
    }
  }

  /// Takes the tools of files that are gone away, unless something is being loaded that may bring them.
  private func removeDeparting(_ look: inout Look) {
    let now = look.now
    let mayBeReplaced = entries.values.contains { $0.load != nil && $0.serving == nil }
    let (leaving, first) = state.withLock { state -> ([PluginEntry], Int64?) in
      let leaving = state.departing.filter {
        $0.entry.serving == nil || !mayBeReplaced || now - $0.since >= Self.departureTime
      }
      state.departing.removeAll { entry in leaving.contains { $0.entry.file == entry.entry.file } }
      return (leaving.map(\.entry), state.departing.map(\.since).min())
    }
    for entry in leaving where entry.serving != nil {
      tools.registry.remove(entry.path)
      look.reports.append((entry.file, .removed))
    }
    if let first { look.lookAgain(at: first + Self.departureTime) }
  }

  /// A shared object that is no plugin, but belongs to one, is nothing to complain of.
  private func noteLibraries(_ look: inout Look) {
    let all = entries
    for entry in all.values where entry.failure == Self.noPlugin(entry.path) {
      let isPart = all.values.contains { other in
        other.file != entry.file && !entry.names.isDisjoint(with: other.parts)
      }
      guard isPart else { continue }
      update(entry.file) { $0.isOnlyLibrary() }
      look.reports.removeAll { $0.file == entry.file }
      look.reports.append((entry.file, .library))
    }
  }

  // MARK: Telling

  private func tell(_ reports: [(file: String, Look.Report)]) {
    for (file, report) in reports {
      switch report {
      case .loaded(let names):
        let entry = entries[file]
        tools.logger.notice(
          "plugin loaded",
          metadata: [
            "file": "\(place(of: file))", "tools": "\(names.joined(separator: ", "))",
            "generation": "\(entry?.generation ?? 0)",
          ])
      case .failed(let reason):
        let serves = entries[file]?.serving != nil
        tools.logger.error(
          serves ? "plugin not replaced: the one before goes on serving" : "plugin skipped",
          metadata: ["file": "\(place(of: file))", "error": "\(reason)"])
      case .removed:
        tools.logger.notice("plugin removed", metadata: ["file": "\(place(of: file))"])
      case .disabled:
        tools.logger.notice(
          "plugin disabled by its settings", metadata: ["file": "\(place(of: file))"])
      case .waiting, .library: break
      }
    }
  }

  // MARK: Watching

  /// Takes every change of the directory from now on, shortly after it has happened, on a thread of its own.
  /// Once, after `load`.
  public func watch() {
    let logger = tools.logger
    let watch = DirectoryWatch(path) { [weak self] in
      self?.lookAround() ?? DirectoryWatch.Interest(places: [:])
    } failed: { reason in
      logger.warning(
        "the system has no watch left for the plugin directory, which is looked at each second",
        metadata: ["error": "\(reason)"])
    }
    guard let watch else {
      let reason = String(cString: strerror(errno))
      return logger.error(
        "changes of the plugin directory are not seen", metadata: ["error": "\(reason)"])
    }
    state.withLock { $0.watch = watch }
  }

  private func lookAround() -> DirectoryWatch.Interest {
    let again = refresh(waits: false)
    var places: [String: Set<String>] = [:]
    for entry in entries.values {
      for part in entry.parts {
        guard let slash = part.utf8.lastIndex(of: UInt8(ascii: "/")) else { continue }
        let directory = slash == part.startIndex ? "/" : String(part[..<slash])
        places[directory, default: []].insert(String(part[part.utf8.index(after: slash)...]))
      }
    }
    return DirectoryWatch.Interest(places: places, again: again)
  }

  // MARK: Quarantine

  /// A plugin has taken itself out of service. On one of its threads.
  private func crashed(_ plugin: ChildPlugin, _ file: String, _ reason: String) {
    let isStarted = startThread(named: "plugin-crash") { [weak self] in
      self?.turn.take { self?.quarantine(plugin, file, reason) }
    }
    // Its own answers say the same.
    if !isStarted { tools.logger.warning("the system has no more threads") }
  }

  /// Has the turn.
  private func quarantine(_ plugin: ChildPlugin, _ file: String, _ reason: String) {
    guard entries[file]?.serving?.child === plugin, entries[file]?.hold == nil else { return }
    _ = replaceByQuarantined(file, reason)
  }

  /// Puts something that answers calls with a reason into the place of a plugin. Has the turn.
  func replaceByQuarantined(_ file: String, _ reason: String) -> Bool {
    guard !state.withLock(\.isEnding), let old = entries[file]?.serving else { return false }
    let stand = QuarantinedPlugin(of: old.generation.provider, reason: reason)
    // The same tools under the same id: no name can be taken.
    guard let generation = try? tools.registry.register(stand) else { return false }
    update(file) { entry in
      entry.hold(
        .quarantined(reason),
        PluginEntry.Serving(
          generation: generation, isolation: old.isolation, child: nil, loadedAt: old.loadedAt))
    }
    return true
  }

  /// Takes a plugin and its tools away. Has the turn.
  func takeAway(_ file: String, _ reason: String) {
    state.withLock { $0.disabled[file] = reason }
    let load = entries[file]?.load
    update(file) { entry in
      entry.endLoad()
      entry.hold(.disabled(reason))
    }
    load?.abandon()
    tools.registry.remove(place(of: file))
  }

  /// Lets a plugin be loaded that was disabled or quarantined. Has the turn.
  func release(_ file: String) {
    state.withLock { $0.disabled[file] = nil }
    update(file) { $0.release() }
  }

  /// Runs `body` while nobody else changes anything.
  func taking<Result>(_ body: () -> Result) -> Result { turn.take(body) }

  // MARK: The end

  /// Takes all tools away and waits until the plugins have stopped.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  /// - Returns: The names of the plugins that had not stopped by then.
  public func unloadAll(until moment: Int64) -> [String] {
    let watch = state.withLock { state in
      state.isEnding = true
      defer { state.watch = nil }
      return state.watch
    }
    watch?.cancel(waitingUntil: moment)
    for entry in entries.values { entry.load?.abandon() }
    let children = tools.registry.generations.compactMap { $0.provider as? ChildPlugin }
    for child in children { tools.registry.remove(child.id) }
    var late = host.unloadAll(until: moment)
    late += children.filter { !$0.waitUntilStopped(until: moment) }.map(\.name)
    runner.stop(until: moment)
    return late
  }
}
