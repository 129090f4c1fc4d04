// The program that plugins run in when they have a process of their own.
//
// A host starts it with one end of a socket as descriptor 3. It forks a child for each plugin that the host
// asks for: it has one thread and has loaded nothing, so that is quick, and the children share its memory.
internal import BridgePluginChannel
internal import BridgePluginHost
internal import Glibc
internal import TrustedFiles

/// Ends the program with an exit code of sysexits.h.
func end(_ code: CInt, _ reason: String) -> Never {
  _ = "bridge-plugin-runner \(reason)\n".withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(code)
}

guard CommandLine.arguments.count == 1, fcntl(RunnerControl.descriptor, F_GETFD) >= 0 else {
  end(64, "runs plugins for bridge-host, which starts it; see `bridge-host serve --help`")
}
let control = RunnerControl(FileDescriptor(owning: RunnerControl.descriptor))
let identity = RunnerIdentity(version: hostVersion)
control.send(.identity(identity))
switch try? control.receiveRequest()?.request {
case .identity(identity): break
case .identity:
  // The host says so. It might not see what this program is if that ended with messages left unread.
  while (try? control.receiveRequest()) != nil {}
  exit(76)
case nil: exit(0)
default: end(76, "is of another build than the bridge-host that has started it: \(identity)")
}
var server = ForkServer(control)
server.run()
