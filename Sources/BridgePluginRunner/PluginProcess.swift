internal import BridgePluginChannel
internal import Glibc
internal import TrustedFiles

/// The life of a child process: it loads one plugin, runs its tools, and ends.
enum PluginProcess {
  /// Where the child finds its channel.
  private static let channelDescriptor: CInt = 3

  /// - Parameters:
  ///   - channel: Of the child; it is moved.
  ///   - parent: The process that has made this one.
  static func run(channel: CInt, _ limits: ResourceLimits, parent: pid_t) -> Never {
    // EX_OSERR of sysexits.h.
    guard ChildSystem.beginChild(channel: channel, parent: parent) else { _exit(71) }
    let refused = limits.apply()
    let channel = Channel(FileDescriptor(owning: channelDescriptor))
    ChildSystem.installCrashHandler(on: channel)
    let server = PluginServer(channel)
    for what in refused {
      server.log(.warning, "a limit of the plugin could not be applied: \(what)")
    }
    server.run()
  }
}
