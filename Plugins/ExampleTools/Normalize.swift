internal import BridgePlugin

/// Vectors are arrays of numbers; the host checks that they hold numbers only.
struct Normalize: Tool {
  let description = "Scales a vector to length 1, keeping its direction."
  let traits: ToolTraits = [.idempotent, .quick]
  let vector = Parameter<[Double]>("vector", "The vector; at least one number is not 0.")

  func run(_ call: ToolCall) throws -> [Double] {
    let vector = call[vector]
    // By the largest first, or the squares of large and small numbers leave the range of Double.
    let largest = vector.reduce(0) { max($0, $1.magnitude) }
    guard largest > 0, vector.allSatisfy(\.isFinite) else {
      throw ToolError(
        .invalidArgument,
        "the numbers must be finite and one of them not 0, got \(vector.prefix(8))")
    }
    let scaled = vector.map { $0 / largest }
    let length = scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return scaled.map { $0 / length }
  }
}
