internal import BridgePluginChannel
internal import Glibc
internal import Threads
internal import TrustedFiles

/// The life of a child process: it loads one plugin, runs its tools, and ends.
enum PluginProcess {
  /// Where the child finds its channel.
  private static let channelDescriptor: CInt = 3

  /// - Parameters:
  ///   - channel: Of the child; it is moved.
  ///   - group: That it enters before it loads anything; nil for none.
  ///   - profile: What it gives up before it loads anything: constructors of a plugin run without it, too.
  ///   - warnings: For the host's log.
  ///   - parent: The process that has made this one.
  static func run(
    channel: CInt, _ limits: ResourceLimits, in group: ControlGroup?,
    _ profile: ProfileKeeper.Ready, _ warnings: [String], parent: pid_t
  ) -> Never {
    // EX_OSERR of sysexits.h.
    guard ChildSystem.beginChild(channel: channel, parent: parent) else { _exit(71) }
    var refused = limits.apply()
    if let fault = group?.enter() { refused.append("its control group: \(fault)") }
    // All threads that are made from now on are bound as well.
    let fault = profile.apply()
    let serve: @Sendable () -> Void = { [refused] in Self.serve(refused, fault, warnings) }
    // Locks of Swift know who holds them by the number of the thread, which the library remembers: on the
    // thread that has forked it is that of another process, and who waits for it waits for ever.
    if !startThread(named: "plugin", serve) { serve() }
    while true { pause() }
  }

  private static func serve(_ refused: [String], _ fault: String?, _ warnings: [String]) {
    let channel = Channel(FileDescriptor(owning: channelDescriptor), isTrusted: true)
    let server = PluginServer(channel)
    server.installCrashHandler()
    if let fault {
      server.send(.refused("the profile of the plugin's process could not be applied: \(fault)"))
      _exit(0)
    }
    for warning in warnings { server.log(.warning, warning) }
    for what in refused {
      server.log(.warning, "a limit of the plugin could not be applied: \(what)")
    }
    server.run()
  }
}
