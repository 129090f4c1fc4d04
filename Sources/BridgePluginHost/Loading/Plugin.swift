internal import BridgePluginABI
internal import BridgeTools
internal import Logging
internal import Synchronization
internal import Threads
internal import TrustedFiles

/// A loaded plugin: its name and its tools.
///
/// Thread-safe.
// @unchecked: the descriptor is the plugin's, which promises that it stays as it is; `life` is guarded.
final class Plugin: ToolProvider, @unchecked Sendable {
  /// What it is registered as.
  let id: String
  let name: String
  let version: String
  let description: String
  var summary: String { description }
  let tools: [any Tool]

  private let instance: PluginInstance
  /// Nil for a plugin that is part of the program.
  private let object: SharedObject?
  private let descriptor: bridge_plugin
  private let life: Locked<PluginLife>
  /// Whether `init` has been called: only then is `deinit`.
  private let hasStarted = Atomic<Bool>(false)
  private let hasStopped = Condition()

  /// Loads a shared object and calls its entry function.
  ///
  /// Loading may go on in several threads at once.
  ///
  /// - Parameters:
  ///   - file: Checked by whoever opened it.
  ///   - files: Copies to take instead of the files it needs; nil where there are none.
  ///   - id: What it is registered as.
  ///   - options: What whoever serves it says of it.
  ///   - host: What its calls run on.
  ///   - inspector: Sees what it asks of the host.
  ///   - inPlace: Whether the file itself is mapped, and no copy of it.
  /// - Throws: `PluginError`.
  convenience init(
    _ file: borrowing TrustedFile, from files: PluginFiles?, as id: String, _ options: LoadOptions,
    on host: ToolHost, inspector: (any HostInspector)? = nil, inPlace: Bool = false
  ) throws(PluginError) {
    let path = file.path
    let instance = PluginInstance(
      path: path, logger: host.logger, threads: host.threads, inspector: inspector)
    defer { ProcessGuard.shared.look(after: "loading \(path)", host.logger) }
    let object =
      inPlace
      ? try SharedObject(system: path)
      : try SharedObject(file, .plugin, FileDigests(options), from: files)
    let answer = try Self.enter(try Self.entry(of: object), instance)
    do throws(PluginError) {
      try self.init(reading: answer, of: object, as: id, instance, options)
    } catch {
      throw PluginError("\(path): \(error)")
    }
  }

  /// Enters a plugin that is part of the program.
  ///
  /// - Parameter entry: Its `bridge_plugin_entry`.
  convenience init(
    entry: UnsafeMutableRawPointer, as id: String, _ options: LoadOptions, on host: ToolHost,
    inspector: (any HostInspector)?
  ) throws(PluginError) {
    let instance = PluginInstance(
      path: id, logger: host.logger, threads: host.threads, inspector: inspector)
    let answer = try Self.enter(entry, instance)
    do throws(PluginError) {
      try self.init(reading: answer, of: nil, as: id, instance, options)
    } catch {
      throw PluginError("\(id): \(error)")
    }
  }

  private static func entry(of object: SharedObject) throws(PluginError) -> UnsafeMutableRawPointer
  {
    let path = object.path
    guard let symbol = object.symbol(BRIDGE_PLUGIN_ENTRY) else {
      throw PluginError("\(path) is no plugin: it does not export \(BRIDGE_PLUGIN_ENTRY)")
    }
    guard object.isCode(symbol) else {
      throw PluginError("\(path) is no plugin: its \(BRIDGE_PLUGIN_ENTRY) is no function")
    }
    return symbol
  }

  private static func enter(
    _ symbol: UnsafeMutableRawPointer, _ instance: PluginInstance
  ) throws(PluginError) -> UnsafePointer<bridge_plugin> {
    var answer: UnsafePointer<bridge_plugin>?
    var report = PluginCode.Report()
    let status = instance.inspecting(.entry, of: nil) {
      PluginCode.entry(symbol, instance.table, &answer, &report)
    }
    try check(status, report, instance, "its entry function")
    guard let answer else {
      throw PluginError("\(instance.path) answered no description of itself")
    }
    return answer
  }

  /// Looks at how a function of the plugin ended that may refuse.
  private static func check(
    _ status: bridge_status, _ report: PluginCode.Report, _ instance: PluginInstance, _ what: String
  ) throws(PluginError) {
    instance.tellChanges(report.changedBits, in: what)
    if let exception = report.exception {
      throw PluginError("\(instance.path): an exception left \(what): \(exception)")
    }
    let refusal = instance.takeRefusal()
    guard status == .ok else {
      throw PluginError(
        "\(instance.path) refuses to be loaded: \(refusal ?? "status \(status) and no reason")")
    }
  }

  /// Reads what a loaded object says of itself.
  init(
    reading plugin: UnsafePointer<bridge_plugin>, of object: SharedObject?, as id: String,
    _ instance: PluginInstance, _ options: LoadOptions
  ) throws(PluginError) {
    self.id = id
    self.object = object
    self.instance = instance
    var descriptor = bridge_plugin()
    try ABIStruct.read(
      plugin, into: &descriptor, MemoryLayout<bridge_plugin>.size, "bridge_plugin",
      released: ABIStruct.Released.plugin)
    self.descriptor = descriptor
    guard descriptor.abi_version == BRIDGE_ABI_VERSION else {
      throw PluginError(
        "the plugin chose ABI version \(descriptor.abi_version); this host speaks "
          + "\(BRIDGE_ABI_VERSION)")
    }
    try ABIStruct.check(
      flags: descriptor.flags, known: [Int(BRIDGE_PLUGIN_UNLOADABLE)], "bridge_plugin.flags")
    try ABIStruct.check(reserved: descriptor.reserved, "bridge_plugin.reserved")
    life = Locked(
      PluginLife(isUnloadable: descriptor.flags & UInt32(BRIDGE_PLUGIN_UNLOADABLE) != 0))
    name = try Self.checkedName(descriptor.name, "the plugin")
    version = try Self.text(descriptor.version, "bridge_plugin.version")
    description = try Self.text(descriptor.description, "bridge_plugin.description")
    instance.displayName = name
    tools = try Self.tools(of: descriptor, name, instance, options)
  }

  private static func tools(
    of descriptor: bridge_plugin, _ name: String, _ instance: PluginInstance, _ options: LoadOptions
  ) throws(PluginError) -> [any Tool] {
    var declarations: [PluginTool.Declaration] = []
    let list = try ABIStruct.list(
      descriptor.tools, descriptor.tool_count, "bridge_plugin.tools")
    for (index, tool) in list.enumerated() {
      guard let tool else { throw PluginError("tool \(index) is NULL") }
      declarations.append(try PluginTool.Declaration(reading: tool, plugin: name))
    }
    let names = try options.selection.served(
      declarations.map(\.description.name), by: instance.path)
    var tools: [any Tool] = []
    for (declaration, name) in zip(declarations, names) {
      guard let name else { continue }
      tools.append(
        PluginTool(declaration, as: name, instance, allowsInline: options.allowsInline))
    }
    return tools
  }

  // MARK: Start and end

  /// Hands the plugin its configuration, once it is checked against the plugin's own schema.
  ///
  /// - Throws: `PluginError` when it is not as the schema says, or the plugin refuses.
  func start(_ options: LoadOptions) throws(PluginError) {
    let configuration = options.configuration
    let schema = try Self.text(descriptor.configuration_schema, "the plugin's configuration schema")
    let text = configuration ?? "{}"
    if schema.isEmpty {
      guard configuration == nil else {
        throw PluginError("\(id): the plugin takes no configuration, and was given one")
      }
    } else {
      do {
        let faults = try JSONSchema(parsing: schema).faults(inText: Array(text.utf8))
        guard faults.isEmpty else {
          throw PluginError(
            "the configuration is not as the plugin says: "
              + Self.words(faults, hidingValues: options.isConfigurationSecret))
        }
      } catch {
        throw PluginError("\(id): \(error)")
      }
    }
    guard let function = descriptor.`init` else {
      hasStarted.store(true, ordering: .relaxed)
      return
    }
    let bytes = Array(text.utf8)
    var report = PluginCode.Report()
    let status = instance.inspecting(.start, of: nil) {
      PluginCode.start(function, instance.table, bytes.abiView, &report)
    }
    withExtendedLifetime(bytes) {}
    ProcessGuard.shared.look(after: "starting \(name)", instance.logger)
    try Self.check(status, report, instance, "its init function")
    hasStarted.store(true, ordering: .relaxed)
  }

  /// - Parameter hidingValues: Whether to tell the places alone: what is wrong there may be told with what is
  ///   there.
  private static func words(_ faults: [JSONSchema.Fault], hidingValues: Bool) -> String {
    guard hidingValues else { return faults.map(\.description).joined(separator: "; ") }
    let places = faults.map { $0.path.isEmpty ? "as a whole" : "at \($0.path)" }
    return places.joined(separator: ", ")
      + " (what is there is not shown, since some of it was given by reference)"
  }

  /// A table of the plugin's own, by name and revision; nil where it has none.
  func table(_ name: String, revision: UInt32) -> UnsafeRawPointer? {
    guard let function = descriptor.extension else { return nil }
    let bytes = Array(name.utf8)
    var report = PluginCode.Report()
    defer { withExtendedLifetime(bytes) {} }
    let table = instance.use {
      PluginCode.extension(function, bytes.abiView, revision, &report)
    }
    instance.tell(report, in: "its extension function")
    return table
  }

  var phase: PluginLife.Phase { life.withLock(\.phase) }

  /// Whether its code may be unmapped once it has stopped.
  var isUnloadable: Bool { life.withLock(\.isUnloadable) }

  /// The JSON Schema of its configuration; empty where it takes none.
  var configurationSchema: String { descriptor.configuration_schema.string ?? "" }

  /// Where something of its code is, from the beginning of the object.
  func offset(of address: UInt) -> UInt64 { object?.offset(of: address) ?? 0 }

  func retire() {
    guard life.withLock({ $0.retire() }) else { return }
    // Elsewhere: this may be a thread of the plugin, inside its own code.
    if !startThread(named: "plugin-stop", { self.stop() }) { stop() }
  }

  /// So long the plugin's threads may take to leave its code: nanoseconds.
  private static let patience: Int64 = 10_000_000_000

  private func stop() {
    _ = instance.waitUntilUnused(until: MonotonicClock.now + Self.patience)
    instance.states.removeAll()
    var agrees = true
    if hasStarted.load(ordering: .relaxed), let function = descriptor.`deinit` {
      var report = PluginCode.Report()
      let status = instance.inspecting(.stop, of: nil) { PluginCode.stop(function, &report) }
      agrees = status == .ok
      instance.tell(report, in: "its deinit function")
      ProcessGuard.shared.look(after: "stopping \(name)", instance.logger)
    }
    // States that calls had have gone with them; one more look covers callbacks of `deinit` itself.
    let isUnused = instance.waitUntilUnused(until: MonotonicClock.now)
    if life.withLock({ $0.stopped(agrees: agrees, isUnused: isUnused) }) == .unmap {
      object?.close()
    }
    hasStopped.withLock { hasStopped.broadcast() }
  }

  /// Waits until the plugin has stopped.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  /// - Returns: Whether it has.
  func waitUntilStopped(until moment: Int64) -> Bool {
    hasStopped.withLock {
      while true {
        switch phase {
        case .resident, .unmapped: return true
        case .admitting, .draining, .stopping:
          if !hasStopped.wait(until: moment) { return false }
        }
      }
    }
  }

  // MARK: Texts

  static func text(_ view: bridge_str, _ what: String) throws(PluginError) -> String {
    guard let text = view.string else { throw PluginError("\(what) is not UTF-8 text") }
    return text
  }

  /// A name of a plugin, a tool or a parameter: 1 to 128 of `[A-Za-z0-9_.-]`.
  static func checkedName(_ view: bridge_str, _ what: String) throws(PluginError) -> String {
    let name = try text(view, "the name of \(what)")
    guard ToolName.isValid(name) else {
      throw PluginError("the name \"\(name)\" of \(what) must be \(ToolName.rule)")
    }
    return name
  }
}
