internal import ArgumentParser
internal import BridgePlugins
internal import BridgeTools
internal import Logging

/// `bridge-host tools`: lists what a plugin directory offers.
struct Tools: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tools",
    abstract: "List the tools of a plugin directory with their parameters.",
    discussion: "Files that cannot be loaded are named on standard error; the exit code is then 1.")

  @Option(help: "Directory whose .so plugins and .native.json manifests are loaded.")
  var plugins: String

  @Flag(
    help: ArgumentHelp(
      "Print JSON: one tool a line, as the Model Context Protocol lists them.",
      discussion: """
        With the JSON Schemas of parameters and result. A result that is no object is the member "result" of one.
        """))
  var json = false

  func run() throws {
    let logger = Logger(label: "bridge-host") { _ in SwiftLogNoOpLogHandler() }
    let tools = ToolHost(logger: logger)
    // In processes of their own, as `serve` does: what crashes while it is listed is one line here.
    let host = PluginDirectory(plugins, tools: tools)
    var failed = false
    for report in try failingPlainly({ try host.load() }) {
      guard case .failure(let error) = report.result else { continue }
      StandardError.writeLine("skipped: \(error)")
      failed = true
    }
    for tool in tools.registry.catalog.descriptions {
      try failingPlainly {
        if json { return try StandardOutput.writeLine(ToolListing.json(tool)) }
        for line in ToolListing.lines(tool) { try StandardOutput.writeLine(line) }
      }
    }
    if failed { throw ExitCode(1) }
  }
}
