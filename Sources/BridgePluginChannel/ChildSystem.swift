internal import CPluginProcess

/// What both sides need of the system, and Swift does not show.
package enum ChildSystem {
  // MARK: For the host

  /// Makes a descriptor that is readable when its counter is not zero; see eventfd(2).
  ///
  /// - Returns: -1 with `errno` where the system has no more.
  package static func makeEvent() -> CInt { plugin_event() }

  /// Whether systemd has marked a control group as left to the service in it.
  package static func isDelegated(_ directory: String) -> Bool {
    plugin_is_delegated(directory) != 0
  }

  /// Starts a program with `control` as its descriptor 3, in a session of its own.
  ///
  /// - Returns: The process; -1 with `errno`.
  package static func spawn(_ program: String, control: CInt) -> Int32 {
    plugin_spawn(program, control)
  }

  /// Makes a file in memory, for `seal` once it is written; -1 with `errno` where the system has no more.
  package static func makeSharedMemory() -> CInt { plugin_shared_memory() }

  /// From now on nobody changes a file in memory.
  package static func seal(_ file: CInt) -> Bool { plugin_seal_shared(file) == 0 }

  // MARK: For the program that makes children

  /// See fork(2); for processes of one thread.
  package static func fork() -> Int32 { plugin_fork() }

  /// Makes a descriptor that is readable when a child has ended.
  package static func makeChildSignals() -> CInt { plugin_child_signals() }

  /// From now on processes whose parents end become children of this one.
  package static func adoptOrphans() { _ = plugin_adopt_orphans() }

  // MARK: For a child

  /// The first steps after the fork: `channel` becomes descriptor 3, nothing but 0 to 2 stays open beside it,
  /// and the process ends with its parent.
  ///
  /// - Returns: false where that is not to be had, or the parent is gone already.
  package static func beginChild(channel: CInt, parent: Int32) -> Bool {
    plugin_begin_child(channel) == 0 && plugin_die_with_parent(parent) != 0
  }

  /// From now on fatal signals are told of on the channel before they end the process.
  ///
  /// - Parameter outbox: What is in it then is sent before. It must stay where it is.
  package static func installCrashHandler(on channel: Channel, _ outbox: borrowing Outbox) {
    plugin_install_crash_handler(channel.socket.number, outbox.unsent)
  }

  /// Gives the calling thread a stack for the handler of fatal signals.
  package static func enterThread() { _ = plugin_enter_thread() }

  /// Takes it back; the thread is about to end.
  package static func leaveThread() { plugin_leave_thread() }

  /// Runs what the calling thread does for a call, so that a crash is told with its number.
  package static func working<Result>(for call: UInt64, _ body: () -> Result) -> Result {
    let before = plugin_set_call(call)
    defer { _ = plugin_set_call(before) }
    return body()
  }
}
