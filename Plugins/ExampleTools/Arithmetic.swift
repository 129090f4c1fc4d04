internal import BridgePlugin

/// A choice is an enum, and an error says what was wrong with which parameter.
struct Arithmetic: Tool {
  enum Operation: String, CaseIterable, ToolValueConvertible {
    case add, subtract, multiply, divide
  }

  let description = "Computes with two numbers: a + b, a - b, a * b or a / b."
  let traits: ToolTraits = [.idempotent, .quick]
  let operation = Parameter<Operation>("operation", "What to do with them.", default: .add)
  let a = Parameter<Double>("a", "The left number.")
  let b = Parameter<Double>("b", "The right number; not 0 when dividing.")

  func run(_ call: ToolCall) throws -> Double {
    let (a, b) = (call[a], call[b])
    switch call[operation] {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide:
      guard b != 0 else {
        throw ToolError(.invalidArgument, "cannot divide \(a) by zero", type: "division_by_zero")
      }
      return a / b
    }
  }
}
