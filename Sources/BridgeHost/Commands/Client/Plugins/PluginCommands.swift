internal import ArgumentParser
internal import BridgeProtocol
internal import JSON
internal import Threads

/// `bridge-host plugins`: looks after the plugins of a running host.
struct Plugins: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugins",
    abstract: "Look after the plugins of a running host.",
    discussion: """
      A running host takes plugins by itself as their files come, change and go; these commands tell what it \
      has made of them, and change it. A plugin is named by its file in the plugin directory, with or without \
      the ending (.so, .native.json), or by the name it gives itself.

      States: serving; loading; broken (its file cannot be used, and nothing of it serves); quarantined (its \
      tools are listed, and calls of them fail: by command, or because it kept crashing); disabled (its tools \
      are gone: by command, until it is enabled or the host ends, or because its settings say so). A plugin \
      that serves with a reason has a newer file that cannot be used: the build before goes on serving.

      Exit codes: 0 done; 1 the host was not reached, or refuses; 2 a plugin could not be loaded, or does \
      not serve in time; 64 a wrong command line.

      Examples:
        bridge-host plugins
        bridge-host plugins reload images --dry-run && cp images.so.new plugins/images.so
        bridge-host plugins wait-for images --timeout 10
        bridge-host plugins quarantine images --reason "writes nonsense since Monday"
      """,
    subcommands: [
      List.self, Show.self, Reload.self, Enable.self, Disable.self, Quarantine.self, WaitFor.self,
    ],
    defaultSubcommand: List.self)

  /// The exit code for a plugin that does not do what was asked for.
  private static let notServing = ExitCode(2)

  /// `bridge-host plugins list`
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "List plugins, with their states and tools.")

    @OptionGroup var client: ClientOptions

    func run() throws {
      try client.run { [self] host in
        let answer = try await host.read(ToolAdminMethods.listPlugins, .init())
        for plugin in answer.plugins { try PluginListing.write(plugin, json: client.json) }
      }
    }
  }

  /// `bridge-host plugins show`
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Show all that is known of a plugin.")

    @OptionGroup var client: ClientOptions
    @OptionGroup var plugin: PluginName

    func run() throws {
      try client.run { [self] host in
        let found = try await plugin.find(host)
        guard !found.isEmpty else { throw plugin.isMissing }
        for plugin in found {
          if client.json {
            try PluginListing.write(plugin, json: true)
          } else {
            for line in PluginListing.lines(plugin) { try StandardOutput.writeLine(line) }
          }
        }
      }
    }
  }

  /// `bridge-host plugins reload`
  struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reload",
      abstract: "Load a plugin anew, or all that have changed or are broken.",
      discussion: """
        A plugin that is named is loaded whether or not its file has changed: so does one take what is read \
        when it is loaded, such as secrets. Calls that run end where they began. What cannot be loaded leaves \
        what was there serving; the exit code is 2 then.
        """)

    @OptionGroup var client: ClientOptions

    @Argument(help: "The plugin; without it, all that have changed or are broken.")
    var name: String?

    @Flag(
      help:
        "Only try whether it can be loaded, in a process of its own; without a name, all plugins.")
    var dryRun = false

    func run() throws {
      let hasFailed = Outcome()
      try client.run { [self] host in
        let request = BridgeHost_V1_ReloadPluginsRequest.with {
          $0.name = name ?? ""
          $0.dryRun = dryRun
        }
        let answer = try await host.act(ToolAdminMethods.reloadPlugins, request, unbounded: true)
        for plugin in answer.plugins {
          try StandardOutput.writeLine(PluginListing.line(plugin, json: client.json))
          if plugin.outcome == .failed { hasFailed.set() }
        }
      }
      if hasFailed.isSet { throw Plugins.notServing }
    }
  }

  /// `bridge-host plugins enable`
  struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "enable", abstract: "Put a disabled or quarantined plugin into service again.")

    @OptionGroup var client: ClientOptions
    @OptionGroup var plugin: PluginName

    func run() throws {
      try client.run { [self] host in
        let request = BridgeHost_V1_EnablePluginRequest.with { $0.name = plugin.name }
        let answer = try await host.act(ToolAdminMethods.enablePlugin, request, unbounded: true)
        try PluginListing.write(answer.plugin, json: client.json)
      }
    }
  }

  /// `bridge-host plugins disable`
  struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "disable", abstract: "Take a plugin and its tools away.",
      discussion: """
        It lasts until the plugin is enabled or the host ends, also when its file is replaced. To disable it \
        for good, say "enabled": false in NAME.plugin.json beside it. Calls that run go on.
        """)

    @OptionGroup var client: ClientOptions
    @OptionGroup var plugin: PluginName

    func run() throws {
      try client.run { [self] host in
        let request = BridgeHost_V1_DisablePluginRequest.with { $0.name = plugin.name }
        let answer = try await host.act(ToolAdminMethods.disablePlugin, request)
        try PluginListing.write(answer.plugin, json: client.json)
      }
    }
  }

  /// `bridge-host plugins quarantine`
  struct Quarantine: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "quarantine", abstract: "Have the calls of a plugin's tools fail.",
      discussion: """
        Its tools stay listed, and their calls fail with UNAVAILABLE and the reason, until the plugin is \
        enabled or its file is replaced. Calls that run go on.
        """)

    @OptionGroup var client: ClientOptions
    @OptionGroup var plugin: PluginName

    @Option(help: "What callers are told. (default: by command)")
    var reason = ""

    func run() throws {
      try client.run { [self] host in
        let request = BridgeHost_V1_QuarantinePluginRequest.with {
          $0.name = plugin.name
          $0.reason = reason
        }
        let answer = try await host.act(ToolAdminMethods.quarantinePlugin, request)
        try PluginListing.write(answer.plugin, json: client.json)
      }
    }
  }

  /// `bridge-host plugins wait-for`
  struct WaitFor: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "wait-for", abstract: "Wait until a plugin serves what its file holds.",
      discussion: """
        The plugin may not be there yet, or be broken. When --timeout seconds are over, its state is told on \
        standard error and the exit code is 2; without --timeout it waits for ever.
        """)

    @OptionGroup var client: ClientOptions
    @OptionGroup var plugin: PluginName

    @Option(1...Int.max, help: "Wait until so much of its file was loaded; see `show`.")
    var generation: Int?

    func run() throws {
      let isOver = Outcome()
      try client.run { [self] host in
        let limit = client.timeout.map { ContinuousClock.now + .seconds($0) }
        while true {
          let found = try await plugin.find(host)
          if let plugin = found.first, found.count == 1, isAsWanted(plugin) {
            return try PluginListing.write(plugin, json: client.json)
          }
          if let limit, ContinuousClock.now + Self.pause >= limit {
            StandardError.writeLine("bridge-host: \(description(found))")
            return isOver.set()
          }
          try await Task.sleep(for: Self.pause)
        }
      }
      if isOver.isSet { throw Plugins.notServing }
    }

    private static let pause = Duration.milliseconds(50)

    private func isAsWanted(_ plugin: BridgeHost_V1_Plugin) -> Bool {
      plugin.state == .serving && plugin.reason.isEmpty
        && plugin.generation >= Int64(generation ?? 0)
    }

    private func description(_ found: [BridgeHost_V1_Plugin]) -> String {
      guard let plugin = found.first else { return "there is no plugin \(plugin.name)" }
      guard found.count == 1 else {
        let files = found.map(\.file).joined(separator: ", ")
        return "\(self.plugin.name) may be each of \(files); give the file's name"
      }
      return "the time is over: \(PluginListing.line(plugin))"
        + (plugin.reason.isEmpty ? "" : ": \(plugin.reason)")
    }
  }
}

/// The name of a plugin.
struct PluginName: ParsableArguments {
  @Argument(help: "The plugin: its file, with or without ending, or its own name.")
  var name: String

  func validate() throws {
    if name.isEmpty { throw ValidationError("a plugin's name is not empty") }
  }

  /// What it may mean: more than one where it is not the name of a file.
  func find(_ host: HostClient) async throws -> [BridgeHost_V1_Plugin] {
    let request = BridgeHost_V1_ListPluginsRequest.with { $0.name = name }
    let found = try await host.read(ToolAdminMethods.listPlugins, request).plugins
    return found.first { $0.file == name }.map { [$0] } ?? found
  }

  var isMissing: PlainError { PlainError("NOT_FOUND: Plugin not found: \(name)") }
}

/// Whether something came about in a task.
private final class Outcome: Sendable {
  private let flag = Locked(false)
  var isSet: Bool { flag.withLock(\.self) }
  func set() { flag.withLock { $0 = true } }
}
