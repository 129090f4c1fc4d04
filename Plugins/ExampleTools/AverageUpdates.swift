internal import BridgePlugin

/// A tool that mostly waits is asynchronous: it keeps no thread, and reads changes as a sequence.
struct AverageUpdates: AsyncTool {
  let description = """
    Waits for the next `count` values written to a float variable, and answers their mean.
    """
  let variable = Parameter<String>("variable", "The variable's name.")
  let count = Parameter<Int>("count", "How many values.", default: 10, range: 1...1_000_000)

  func run(_ call: ToolCall) async throws -> Double {
    let count = call[count]
    var sum = 0.0
    var seen = 0
    for try await change in try call.variables.changes(call[variable], initial: false) {
      guard let value = try change.value(as: Double.self) else { continue }
      sum += value
      seen += 1
      try call.progress(Double(seen) / Double(count))
      if seen == count { break }
    }
    return sum / Double(count)
  }
}
