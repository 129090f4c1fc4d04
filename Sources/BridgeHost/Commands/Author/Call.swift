internal import ArgumentParser
internal import BridgeSessions
internal import BridgeTestHost
internal import BridgeTools
internal import Glibc
internal import JSON

/// `bridge-host call`: runs one tool of one file, without a server.
struct Call: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call",
    abstract: "Run one tool of one plugin without a server.",
    discussion: """
      The plugin runs in this process, from where its file is: under a debugger, a sanitizer or valgrind as any \
      program. Values are taken as the types that the tool declares, as by `execute`. What the tool emits and \
      answers goes to standard output, followed by the variables as they are then; how far it is, and what it \
      logs, to standard error. The exit code is 1 when the tool fails, and 2 when it cannot be called.

      Example:
        bridge-host call ./libweather.so forecast days=3 --var temperature:float=21.5 --trace
        bridge-host call ./libweather.so forecast days=3 --cancel-after 50ms
        bridge-host call ./libweather.so forecast days=3 --debugger gdb
        valgrind bridge-host call ./libweather.so forecast days=3
      """)

  enum Debugger: String, ExpressibleByArgument, CaseIterable { case gdb, lldb }

  @Argument(help: "The plugin: a .so, or a .native.json.")
  var file: String

  @Argument(help: "Name of the tool.")
  var tool: String

  @Argument(help: ArgumentHelp("Its parameters.", valueName: "name=value"))
  var parameters: [ToolArgument] = []

  @Option(
    name: .customLong("var"),
    help: ArgumentHelp(
      "A variable that is there before the call; may be given several times.",
      valueName: "name:type=value"))
  var variables: [VariableArgument] = []

  @Flag(
    inversion: .prefixedNo,
    help: "Print what the tool emits, as it does. (default: as the tool declares)")
  var stream: Bool?

  @Flag(help: "Print every function of the host that it calls, with arguments, thread and time.")
  var trace = false

  @Option(help: "The call's deadline, such as 2s or 50ms.")
  var deadline: DurationArgument?

  @Option(help: "Cancel the call after that time, such as 50ms.")
  var cancelAfter: DurationArgument?

  @Option(help: ArgumentHelp("The plugin's configuration, a JSON object.", valueName: "json"))
  var configuration: String?

  @Option(help: "Start the call under a debugger: gdb or lldb.")
  var debugger: Debugger?

  @Option(
    help: """
      The sanitizer that the plugin is built with: address, thread or undefined. Its library has to be loaded \
      before everything else, which this does.
      """)
  var sanitizer: Sanitizer?

  @Flag(help: "Print one JSON object: result, chunks, variables, violations and trace.")
  var json = false

  func validate() throws {
    var names: Set<String> = []
    for parameter in parameters where !names.insert(parameter.name).inserted {
      throw ValidationError("the parameter \(parameter.name) is given twice")
    }
  }

  func run() throws {
    if let sanitizer { try failingPlainly { try sanitizer.restartIfNeeded(for: file) } }
    if let debugger { try failingPlainly { try start(debugger) } }
    // A sanitizer tells more of a crash.
    if sanitizer == nil { CrashNote.prepare(tool: tool, of: file) }
    var configuration = TestHost.Configuration()
    configuration.loadsInPlace = true
    let host = TestHost(configuration)
    let record: CallRecord
    do {
      try host.load(file, configuration: self.configuration)
      for variable in variables {
        try host.session.define(
          variable.name, .json(ArgumentText.json(variable.text, as: variable.type.rawValue)),
          type: variable.type)
      }
      record = try host.call(tool, try arguments(host), options: options)
    } catch {
      StandardError.writeLine("bridge-host: \(Self.hint(error, file: file))")
      throw ExitCode(2)
    }
    for line in host.log { StandardError.writeLine(line) }
    try failingPlainly { json ? try printJSON(record, host) : try printText(record, host) }
    if record.failure != nil { throw ExitCode(1) }
  }

  private var options: CallOptions {
    var options = CallOptions()
    options.deadline = deadline?.nanoseconds
    options.isStreaming = stream
    options.timeout = .max
    if let cancelAfter { options.faults = [Fault(.cancel, .after(cancelAfter.nanoseconds))] }
    if !json {
      options.onChunk = { chunk in try? StandardOutput.writeLine(chunk.jsonText) }
      options.onProgress = { progress in
        let percent = Int((progress.fraction * 100).rounded())
        StandardError.writeLine("\(percent) % \(progress.message)")
      }
    }
    return options
  }

  private func arguments(_ host: TestHost) throws -> [String: TestValue] {
    let tools = host.toolDescriptions
    guard let declared = tools.first(where: { $0.name == tool }) else {
      throw PlainError(
        "\(file) has no tool \(tool); it has \(tools.map(\.name).joined(separator: ", "))")
    }
    var arguments: [String: TestValue] = [:]
    for parameter in parameters {
      let type = declared.parameters.first { $0.name == parameter.name }?.type
      arguments[parameter.name] =
        type == .bytes
        ? .bytes(Array(parameter.text.utf8))
        : .json(ArgumentText.json(parameter.text, as: type?.name ?? "any"))
    }
    return arguments
  }

  private static func hint(_ error: any Error, file: String) -> String {
    let text = "\(error)"
    guard let sanitizer = Sanitizer.allCases.first(where: { text.contains($0.symbol) }) else {
      return text
    }
    return text + "; it is built with a sanitizer: add --sanitizer \(sanitizer.rawValue)"
  }

  /// Starts the same command under a debugger.
  private func start(_ debugger: Debugger) throws {
    var arguments = CommandLine.arguments
    // Without the option, in both of its forms.
    if let place = arguments.firstIndex(of: "--debugger") {
      arguments.removeSubrange(place...(place + 1))
    }
    arguments.removeAll { $0.hasPrefix("--debugger=") }
    let command =
      switch debugger {
      case .gdb: ["gdb", "-q", "-ex", "set breakpoint pending on", "--args"]
      case .lldb: ["lldb", "--"]
      }
    try Self.replaceProcess(command + [try Self.program] + arguments.dropFirst())
  }

  static var program: String {
    get throws {
      guard let path = realpath("/proc/self/exe", nil) else {
        throw PlainError("this program does not find its own file")
      }
      defer { free(path) }
      return String(cString: path)
    }
  }

  /// Runs another program in this process. It returns only by throwing.
  static func replaceProcess(_ command: [String]) throws {
    var pointers: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    pointers.append(nil)
    execvp(pointers[0]!, &pointers)
    let reason = String(cString: strerror(errno))
    throw PlainError("\(command[0]) cannot be started: \(reason); is it installed?")
  }

  // MARK: Printing

  private func printJSON(_ record: CallRecord, _ host: TestHost) throws {
    guard case .object(var members) = record.json(withTrace: trace) else { return }
    members.append(
      .init(key: "variables", value: .array(host.session.variables.map(\.json))))
    members.append(.init(key: "log", value: .array(host.log.map { .string($0) })))
    try StandardOutput.writeText(JSON.object(members).text)
  }

  private func printText(_ record: CallRecord, _ host: TestHost) throws {
    switch record.result {
    case .success(let value): try StandardOutput.writeLine(value.jsonText)
    case .failure(let failure):
      StandardError.writeLine("\(tool) failed: \(failure.message) (\(failure.type))")
    }
    if let binary = record.binary {
      try StandardOutput.writeLine("and \(binary.count) bytes beside it")
    }
    for entry in record.metadata.sorted(by: { $0.key < $1.key }) {
      try StandardOutput.writeLine("metadata \(entry.key) = \(entry.value)")
    }
    let variables = host.session.variables
    if !variables.isEmpty {
      try StandardOutput.writeLine("variables:")
      for variable in variables { try StandardOutput.writeLine("  \(variable.line)") }
    }
    if trace {
      try StandardOutput.writeLine("trace:      at        took  thread")
      for entry in record.trace {
        let took = entry.duration.map(Self.microseconds) ?? "-"
        try StandardOutput.writeLine(
          "  \(Self.padded(Self.microseconds(entry.begin), 10))\(Self.padded(took, 12))"
            + "\(Self.padded("\(entry.thread)", 8))  \(entry.isCallback ? "▶ " : "")\(entry.line)")
      }
    }
    for violation in record.violations + host.takeViolations() {
      StandardError.writeLine("breaks a rule of the ABI: \(violation.message)")
    }
  }

  private static func microseconds(_ nanoseconds: Int64) -> String {
    "\(nanoseconds / 1000).\(nanoseconds % 1000 / 100) µs"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
