internal import BridgePlugin

/// Changes a variable in place. `update` starts again when somebody else writes in between, so two
/// calls at once lose nothing.
struct ScaleVariable: Tool {
  let description = "Multiplies a float variable of the session. Answers the new value."
  let variable = Parameter<String>("variable", "The variable's name.")
  let factor = Parameter<Double>("factor", "What to multiply it by.")

  func run(_ call: ToolCall) throws -> Double {
    try call.variables.update(call[variable], as: Double.self) { $0 *= call[factor] }
  }
}
