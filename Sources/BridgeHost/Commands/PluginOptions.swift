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

  enum Profile: String, ExpressibleByArgument, CaseIterable {
    case none
    case `default`
    case noNetwork = "no-network"
    case readOnlyFiles = "read-only-files"
  }

  @Option(
    help: ArgumentHelp(
      "What the processes of plugins give up whose settings do not say.",
      discussion: """
        By default they cannot look into other processes, signal them or change the system. With no-network they \
        have no sockets either, with read-only-files they cannot change files.
        """))
  var pluginProfile = Profile.default

  @Option(
    help: ArgumentHelp(
      "A directory of cgroup v2 in which each process of a plugin has a group of its own.",
      discussion: """
        Memory, processes and processor time of a plugin's settings then hold for all that it starts, too. By \
        default the directory that systemd has delegated to the host, if there is one; none makes no groups.
        """,
      valueName: "directory"))
  var pluginCgroup: String?

  @Flag(
    help: ArgumentHelp(
      "Refuse plugins whose SHA-256 is not in their settings.",
      discussion: "NAME.plugin.json says it under \"sha256\", of libraries beside the plugin too."))
  var pluginSha256Required = false

  @Flag(
    inversion: .prefixedNo,
    help: "Take plugins that come, change or go in the directory while the host runs.")
  var watchPlugins = true

  /// As plugins are loaded by it.
  func configuration(calls: Int) -> PluginDirectory.Configuration {
    var configuration = PluginDirectory.Configuration()
    configuration.isolation =
      switch isolation {
      case .inProcess: .inProcess
      case .child: .child
      case .perCall: .perCall
      }
    configuration.profile =
      switch pluginProfile {
      case .none: .none
      case .default: .default
      case .noNetwork: .noNetwork
      case .readOnlyFiles: .readOnlyFiles
      }
    configuration.calls = calls
    configuration.groups =
      switch pluginCgroup {
      case nil: DelegatedGroup.path() ?? ""
      case "none"?: ""
      case let path?: path
      }
    configuration.requiresDigests = pluginSha256Required
    return configuration
  }
}
