internal import BridgePluginHost
internal import BridgePlugins
internal import BridgeTools
internal import Glibc

/// Holds the settings beside a plugin to what the plugin says.
enum SettingsCheck {
  static func run(_ run: TestRun) throws {
    let file = SettingsFile.path(beside: run.path)
    guard access(file, F_OK) == 0 else { throw TestRun.Skip(reason: "there is no \(file)") }
    let options = try PluginDirectory.loadOptions(beside: run.path)
    let plugin = try run.probe().describe(options, on: run.host)
    try run.host.registry.register(plugin.provider)
    run.note("starting it with the configuration of \(file)")
    try plugin.start(options)
  }
}
