internal import BridgePluginABI
package import BridgeTools
internal import Glibc
internal import TrustedFiles

/// A plugin's shared object that is looked at step by step: the file, its start, its entry function, what it
/// says of itself. Each step may crash or end the process.
///
/// Not thread-safe.
package final class PluginProbe {
  /// The file's path, without links.
  package let path: String
  private let copy: PrivateFile
  private var object: SharedObject?

  /// Takes the file; none of its code runs.
  ///
  /// - Throws: `PluginError` where the file cannot be used by anybody.
  package init(_ path: String) throws(PluginError) {
    let file = try Self.file(path)
    self.path = file.path
    copy = try PrivateFile(
      copying: file, name: file.path.split(separator: "/").last.map(String.init) ?? "")
  }

  /// What its headers say.
  ///
  /// - Throws: `PluginError` where it is no shared object that can be loaded here.
  package func facts() throws(PluginError) -> ELFFacts {
    do {
      return try copy.withBytes { try ELFFacts($0) }
    } catch let error as PluginError {
      throw error
    } catch {
      throw PluginError("\(error)")
    }
  }

  /// The line of the source that an address comes from, as `path:line`; nil where it is not known.
  ///
  /// - Parameter address: From the object's beginning.
  package func line(of address: UInt64) -> String? {
    SourceLines.line(of: address, in: copy.number)
  }

  /// Where the function of a tool is, from the beginning of its object; nil for tools that no plugin has.
  package static func address(ofTool name: String, in registry: ToolRegistry) -> UInt64? {
    for generation in registry.generations {
      guard let plugin = generation.provider as? Plugin else { continue }
      if let address = ProbedPlugin(plugin).address(ofTool: name) { return address }
    }
    return nil
  }

  /// How many bytes the file has.
  package func size() throws(PluginError) -> Int {
    do {
      return try copy.withBytes { $0.count }
    } catch {
      throw PluginError("\(error)")
    }
  }

  /// Whether this process has a library of that name already.
  package static func isLoaded(_ name: String) -> Bool { SharedObject.isLoaded(name) }

  /// Where a library comes from that this process has already; nil where it has none of that name.
  package static func path(ofLoaded name: String) -> String? {
    guard let handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD) else { return nil }
    defer { dlclose(handle) }
    return PluginCode.file(of: handle)
  }

  /// Loads it: its initialisers run.
  ///
  /// - Throws: `PluginError`.
  package func map() throws(PluginError) {
    object = try SharedObject(try Self.file(path), .plugin, FileDigests(LoadOptions()), from: nil)
  }

  /// How an entry function ended.
  package struct Entry: Sendable {
    /// What it answered.
    package let status: Int32
    /// Why it refuses; nil where it does not say.
    package let refusal: String?
    /// What left it instead of an answer; nil where nothing did.
    package let exception: String?
    /// Whether it answered a description.
    package let hasDescription: Bool
    /// What it changed of the thread it ran on.
    package let changes: [String]
  }

  /// Calls the entry function; `map` comes before.
  ///
  /// - Throws: `PluginError` where there is none.
  package func enter(on host: ToolHost) throws(PluginError) -> Entry {
    guard let object else { throw PluginError("it is not loaded") }
    guard let symbol = object.symbol(BRIDGE_PLUGIN_ENTRY) else {
      throw PluginError("it does not export \(BRIDGE_PLUGIN_ENTRY)")
    }
    guard object.isCode(symbol) else {
      throw PluginError("its \(BRIDGE_PLUGIN_ENTRY) is no function")
    }
    let instance = PluginInstance(path: path, logger: host.logger, threads: host.threads)
    var answer: UnsafePointer<bridge_plugin>?
    var report = PluginCode.Report()
    let status = PluginCode.entry(symbol, instance.table, &answer, &report)
    return Entry(
      status: status, refusal: instance.takeRefusal(), exception: report.exception,
      hasDescription: answer != nil, changes: PluginCode.Report.words(report.changedBits))
  }

  /// Reads twice what the plugin says of itself.
  ///
  /// - Parameter between: Done between the two, as starting it.
  /// - Returns: What it said then, as texts.
  /// - Throws: `PluginError` where it cannot be read.
  package func sayTwice(
    on host: ToolHost, _ between: (ProbedPlugin) -> Void
  ) throws(PluginError) -> (String, String) {
    if object == nil { try map() }
    let instance = PluginInstance(path: path, logger: host.logger, threads: host.threads)
    var answer: UnsafePointer<bridge_plugin>?
    var report = PluginCode.Report()
    guard let object, let symbol = object.symbol(BRIDGE_PLUGIN_ENTRY),
      PluginCode.entry(symbol, instance.table, &answer, &report) == 0, let answer
    else { throw PluginError("it does not say what it is") }
    func read() throws(PluginError) -> ProbedPlugin {
      ProbedPlugin(try Plugin(reading: answer, of: object, as: path, instance, LoadOptions()))
    }
    let first = try read()
    let says = first.says
    between(first)
    return (says, try read().says)
  }

  /// Whether the library that a manifest is about has debug information.
  ///
  /// - Throws: `PluginError` where there is no such manifest or library.
  package static func hasDebugInformation(
    ofLibraryIn manifest: String
  ) throws(PluginError) -> Bool {
    let file = try file(manifest)
    let library = try NativeManifest(file, nil).library(beside: file.path)
    return library.withFile { SourceLines.areThere(in: $0) } ?? false
  }

  /// Loads the plugin as a host does, up to what it says of itself.
  ///
  /// - Throws: `PluginError` with what a host refuses.
  package func describe(
    _ options: LoadOptions = LoadOptions(), on host: ToolHost
  ) throws(PluginError) -> ProbedPlugin {
    ProbedPlugin(try Plugin(try Self.file(path), from: nil, as: path, options, on: host))
  }

  private static func file(_ path: String) throws(PluginError) -> TrustedFile {
    do throws(TrustedFileError) {
      return try TrustedFile(path)
    } catch {
      throw PluginError(error.message)
    }
  }
}

/// A plugin that has said what it is, and has not started.
package struct ProbedPlugin: Sendable {
  private let plugin: Plugin

  init(_ plugin: Plugin) { self.plugin = plugin }

  /// What brings its tools.
  package var provider: any ToolProvider { plugin }
  /// The plugin's name.
  package var name: String { plugin.name }

  /// Whether its code may be unmapped once it has stopped.
  package var isUnloadable: Bool { plugin.isUnloadable }

  /// The JSON Schema of its configuration; empty where it takes none.
  package var configurationSchema: String { plugin.configurationSchema }

  /// Where the function of one of its tools is, from the object's beginning; nil where it has no such tool.
  package func address(ofTool name: String) -> UInt64? {
    let tool = plugin.tools.first { $0.description.name == name } as? PluginTool
    return tool.map { plugin.offset(of: $0.function) }
  }

  /// All that it says of itself, as one text: what stays as it is.
  package var says: String {
    let tools = plugin.tools.map { tool in
      "\(tool.description.mcpTool.text) \(tool.description.reads) \(tool.description.writes)"
    }
    return ([plugin.name, plugin.version, plugin.description] + tools).joined(separator: "\n")
  }

  /// Hands it its configuration and has it start.
  ///
  /// - Throws: `PluginError` where it refuses.
  package func start(_ options: LoadOptions = LoadOptions()) throws(PluginError) {
    try plugin.start(options)
  }

  /// Has it stop, and waits for that.
  ///
  /// - Parameter moment: Of `MonotonicClock`: waits no longer.
  /// - Returns: Whether it has stopped.
  package func stop(until moment: Int64) -> Bool {
    plugin.retire()
    return plugin.waitUntilStopped(until: moment)
  }

  /// Whether its code was unmapped.
  package var isGone: Bool { plugin.phase == .unmapped }
}
