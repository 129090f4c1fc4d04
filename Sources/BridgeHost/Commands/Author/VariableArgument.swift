internal import ArgumentParser
internal import BridgeSessions

/// One `name:type=value` of `bridge-host call --var`.
struct VariableArgument: ExpressibleByArgument, Sendable {
  let name: String
  let type: ValueType
  /// As it was typed.
  let text: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="),
      let colon = argument[..<equals].lastIndex(of: ":"), colon > argument.startIndex,
      let type = ValueType(rawValue: String(argument[argument.index(after: colon)..<equals]))
    else { return nil }
    name = String(argument[..<colon])
    self.type = type
    text = String(argument[argument.index(after: equals)...])
  }
}
