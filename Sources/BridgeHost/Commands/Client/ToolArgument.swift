internal import ArgumentParser

/// One `name=value` of `bridge-host execute`.
struct ToolArgument: ExpressibleByArgument, Sendable {
  let name: String
  /// As it was typed.
  let text: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
      return nil
    }
    name = String(argument[..<equals])
    text = String(argument[argument.index(after: equals)...])
  }
}
