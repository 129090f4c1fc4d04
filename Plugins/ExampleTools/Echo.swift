internal import BridgePlugin

/// The smallest tool: one parameter in, one value out.
struct Echo: Tool {
  let description = "Answers the text it is given, exactly. Use it to see that calls arrive."
  let traits: ToolTraits = [.idempotent, .quick]
  let text = Parameter<String>("text", "What to answer.")

  func run(_ call: ToolCall) -> String { call[text] }
}
