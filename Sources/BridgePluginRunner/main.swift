// The program that plugins run in when they have a process of their own.
//
// A host starts it with one end of a socket as descriptor 3. It forks a child for each plugin that the host
// asks for: it has one thread and has loaded nothing, so that is quick, and the children share its memory.
internal import BridgePluginChannel
internal import Glibc
internal import TrustedFiles

guard CommandLine.arguments.count == 1, fcntl(RunnerControl.descriptor, F_GETFD) >= 0 else {
  let text =
    "bridge-plugin-runner runs plugins for bridge-host, which starts it; see `bridge-host serve --help`\n"
  _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(64)
}
var server = ForkServer(RunnerControl(FileDescriptor(owning: RunnerControl.descriptor)))
server.run()
