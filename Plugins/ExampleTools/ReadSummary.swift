internal import BridgePlugin

/// A read-only tool: its call has no functions that write, and the host would refuse them.
struct ReadSummary: ReadOnlyTool {
  let description = "Lists variables of the session as an object of names and versions."
  let traits: ToolTraits = .idempotent
  let pattern = Parameter<String>(
    "pattern", "Which names; * stands for any run of characters.", default: "*")

  func run(_ call: ReadOnlyToolCall) throws -> JSONText {
    .object(
      members: try call.variables.list(call[pattern]).map { variable in
        (key: variable.name, value: Int(variable.version))
      })
  }
}
