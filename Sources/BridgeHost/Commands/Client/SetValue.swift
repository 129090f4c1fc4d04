internal import ArgumentParser
internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import JSON

/// `bridge-host set`: writes a variable, or registers a new one.
struct SetValue: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Write a variable.", usage: "bridge-host set [<options>] <name> <value>",
    discussion: """
      The value is JSON, for example 0.5, true or [1, 2, 3]; that of a string, choice or module is \
      the text itself. With --type, a variable that does not exist is registered.

      Example:
        bridge-host set offset -5
        bridge-host set temperature 0.7 --type float --constraints '{"min": 0, "max": 2}'
      """)

  @OptionGroup var client: ClientOptions
  @OptionGroup var session: SessionOption

  // A negative number looks like an option: what no option takes is a name or a value.
  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp(
      "Name or id of the variable, and its new value.", valueName: "name-and-value"))
  var words: [String] = []

  @Option(
    help: "Type of a new variable: \(ValueType.allCases.map(\.rawValue).joined(separator: ", ")).")
  var type: String?

  @Option(help: "Constraints of a new variable, a JSON object.")
  var constraints: String?

  @Option(1...Int32.max, help: "Write only if the variable still has this version.")
  var expectedVersion: Int32?

  /// The words without the first `--`, after which everything is one.
  var values: [String] {
    guard let end = words.firstIndex(of: "--") else { return words }
    return Array(words[..<end] + words[(end + 1)...])
  }

  private var name: String { values[0] }
  private var value: String { values[1] }

  func validate() throws {
    if let option = words.prefix(while: { $0 != "--" }).first(where: { $0.hasPrefix("--") }) {
      throw ValidationError("Unknown option '\(option)'")
    }
    guard values.count == 2 else {
      throw ValidationError(
        values.count < 2
          ? "a variable's name and its new value are needed"
          : "one name and one value are taken, not \(values.count) words")
    }
    if let type, ValueType(rawValue: type) == nil {
      throw ValidationError("--type is \"\(type)\", which is no type of variables")
    }
    if constraints != nil && type == nil {
      throw ValidationError("--constraints are for new variables: name their --type")
    }
  }

  func run() throws {
    try client.run { [self] host in
      do {
        try await write(host)
      } catch let error as RPCError where error.code == .notFound && type != nil {
        try await register(host, as: ValueType(rawValue: type!)!)
      }
    }
  }

  /// Writes the variable as the type it has.
  private func write(_ host: HostClient) async throws {
    let current = Snakepit_Bridge_GetVariableRequest.with {
      $0.sessionID = session.session
      $0.variableIdentifier = name
    }
    let variable = try await host.read(BridgeMethods.getVariable, current).variable
    guard let declared = ValueType(rawValue: variable.type) else {
      throw PlainError("\(name) is of the type \"\(variable.type)\", which this program lacks")
    }
    if let type, type != declared.rawValue {
      throw PlainError("\(name) is of the type \(declared.rawValue), not \(type)")
    }
    let request = Snakepit_Bridge_SetVariableRequest.with {
      $0.sessionID = session.session
      $0.variableIdentifier = name
      $0.value.typeURL = TypeURL.url(for: declared, form: [], binary: false)
      $0.value.value = .init(content(as: declared))
      $0.expectedVersion = expectedVersion ?? 0
      $0.metadata["source"] = "command line"
    }
    let answer = try await host.act(BridgeMethods.setVariable, request)
    guard answer.success else { throw PlainError(answer.errorMessage) }
    try tell(version: answer.newVersion, revision: answer.revision)
  }

  private func register(_ host: HostClient, as type: ValueType) async throws {
    let request = Snakepit_Bridge_RegisterVariableRequest.with {
      $0.sessionID = session.session
      $0.name = name
      $0.type = type.rawValue
      $0.initialValue.typeURL = TypeURL.url(for: type, form: [], binary: false)
      $0.initialValue.value = .init(content(as: type))
      $0.constraintsJson = constraints ?? ""
      $0.metadata["source"] = "command line"
    }
    let answer = try await host.act(BridgeMethods.registerVariable, request)
    guard answer.success else { throw PlainError(answer.errorMessage) }
    try tell(version: answer.variable.version, revision: answer.revision)
  }

  private func content(as type: ValueType) -> [UInt8] {
    Array(ArgumentText.json(value, as: type.rawValue).utf8)
  }

  private func tell(version: Int32, revision: Int64) throws {
    guard client.json else {
      try StandardOutput.writeLine("version \(version)")
      return
    }
    try StandardOutput.writeLine(
      JSON.object([
        .init(key: "version", value: .integer(Int64(version))),
        .init(key: "revision", value: .integer(revision)),
      ]).text)
  }
}
