internal import ArgumentParser
internal import JSON

/// One `name=value` of `bridge-host execute`.
struct ToolArgument: ExpressibleByArgument, Sendable {
  let name: String
  /// JSON text.
  let value: [UInt8]

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
      return nil
    }
    name = String(argument[..<equals])
    let text = String(argument[argument.index(after: equals)...])
    value = Array(((try? JSON(parsing: text)) == nil ? JSON.string(text).text : text).utf8)
  }
}
