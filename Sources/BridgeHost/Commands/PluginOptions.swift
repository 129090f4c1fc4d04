internal import ArgumentParser
internal import BridgePlugins

/// The options of `serve` about where plugins run.
struct PluginOptions: ParsableArguments {
  enum Isolation: String, ExpressibleByArgument, CaseIterable {
    case inProcess = "in-process"
    case child
    case perCall = "per-call"
  }

  @Option(
    help: ArgumentHelp(
      "Where the plugins run whose settings do not say.",
      discussion: """
        In a process of its own (child) a plugin that crashes or hangs ends its own calls and nothing else. \
        In process its calls are quickest. Per call, each call has a fresh process.
        """))
  var isolation = Isolation.child

  @Flag(
    help: ArgumentHelp(
      "Refuse plugins whose SHA-256 is not in their settings.",
      discussion: "NAME.plugin.json says it under \"sha256\", of libraries beside the plugin too."))
  var pluginSha256Required = false

  /// As plugins are loaded by it.
  func configuration(calls: Int) -> PluginDirectory.Configuration {
    var configuration = PluginDirectory.Configuration()
    configuration.isolation =
      switch isolation {
      case .inProcess: .inProcess
      case .child: .child
      case .perCall: .perCall
      }
    configuration.calls = calls
    configuration.requiresDigests = pluginSha256Required
    return configuration
  }
}
