internal import BridgePlugin

/// Waits for what others write, without asking again and again.
struct WaitForVariable: Tool {
  let description = """
    Waits until a float variable of the session is at least `target`, and answers its value then. \
    The variable need not exist yet. Ends early when the call is cancelled.
    """
  let variable = Parameter<String>("variable", "The variable's name.")
  let target = Parameter<Double>("target", "The smallest value to wait for.")

  func run(_ call: ToolCall) throws -> Double {
    let target = call[target]
    return try call.variables.waitFor(call[variable], as: Double.self) { $0 >= target }
  }
}
