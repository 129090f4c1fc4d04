internal import BridgePlugin

/// An answer with several parts is a JSON object.
struct WordCount: Tool {
  let description = """
    Counts the words, characters and lines of a text. Words are separated by white space; \
    characters are what a reader would count. Answers {"words", "characters", "lines"}.
    """
  let traits: ToolTraits = [.idempotent, .quick]
  let text = Parameter<String>("text", "The text; it may be empty.")

  func run(_ call: ToolCall) -> JSONText {
    let text = call[text]
    return .object([
      "words": text.split(whereSeparator: \.isWhitespace).count,
      "characters": text.count,
      "lines": text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count,
    ])
  }
}
