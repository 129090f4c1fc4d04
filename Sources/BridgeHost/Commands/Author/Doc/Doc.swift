internal import ArgumentParser
internal import BridgePlugins
internal import BridgeTools
internal import Glibc
internal import Logging

/// `bridge-host doc`: writes the page of a plugin.
struct Doc: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doc",
    abstract: "Write a page about a plugin: tools, parameters, results, variables and examples.",
    discussion: """
      The page says what the plugin declares, under the names that its settings give to its tools. The plugin is \
      loaded in a process of its own. Examples are those of the key "examples", an array, in the constraints or the \
      JSON Schema of parameters.

      Example:
        bridge-host doc plugins/libweather.so --format html --output weather.html
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case markdown, html }

  @Argument(help: "The plugin: a .so, or a .native.json.")
  var file: String

  @Option(help: "markdown or html.")
  var format = Format.markdown

  @Option(
    help: ArgumentHelp(
      "The file that the page is written to; standard output if not given.", valueName: "file"))
  var output: String?

  func run() throws {
    let page = try failingPlainly { PluginPage(of: try load(), file: file).page }
    let text = format == .markdown ? page.markdown : page.html
    try failingPlainly {
      guard let output else { return try StandardOutput.write(Array(text.utf8)) }
      try Self.write(text, to: output)
    }
  }

  private func load() throws -> any ToolProvider {
    let tools = ToolHost(logger: Logger(label: "bridge-host") { _ in SwiftLogNoOpLogHandler() })
    let slash = file.lastIndex(of: "/")
    let name = slash.map { String(file[file.index(after: $0)...]) } ?? file
    let directory = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
    let plugins = PluginDirectory(directory, only: name, tools: tools)
    let reports = try plugins.load()
    guard let report = reports.first else {
      throw PlainError(
        access(file, F_OK) == 0
          ? "\(file) is no plugin: a plugin's name ends with .so or .native.json"
          : "\(file) cannot be read: \(String(cString: strerror(errno)))")
    }
    if report.isDisabled { throw PlainError("\(file) is disabled by its settings") }
    _ = try report.result.get()
    guard let generation = tools.registry.generations.first else {
      throw PlainError("\(file) has no tools")
    }
    return generation.provider
  }

  private static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0, writeWhole(Array(text.utf8), to: descriptor), close(descriptor) == 0
    else {
      throw PlainError("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
