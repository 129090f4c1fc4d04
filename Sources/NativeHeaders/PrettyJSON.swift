public import JSON

extension JSON {
  /// The value as lines for people: what is short stands on one line.
  ///
  /// - Parameter width: Of a line, in characters, as far as that can be.
  public func lines(width: Int = 110) -> String {
    var text = ""
    write(to: &text, indentation: 0, width: width, beside: 0)
    return text
  }

  private var short: String {
    switch self {
    case .array(let elements): "[" + elements.map(\.short).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(JSON.string($0.key).text): \($0.value.short)" }.joined(separator: ", ")
        + "}"
    default: text
    }
  }

  private func write(to text: inout String, indentation: Int, width: Int, beside: Int) {
    let short = short
    if indentation + beside + short.count < width && indentation > 0 { return text += short }
    let inner = String(repeating: " ", count: indentation + 2)
    let outer = String(repeating: " ", count: indentation)
    switch self {
    case .array(let elements) where !elements.isEmpty:
      text += "["
      for (index, element) in elements.enumerated() {
        text += (index > 0 ? "," : "") + "\n" + inner
        element.write(to: &text, indentation: indentation + 2, width: width, beside: 0)
      }
      text += "\n\(outer)]"
    case .object(let members) where !members.isEmpty:
      text += "{"
      for (index, member) in members.enumerated() {
        let key = JSON.string(member.key).text + ": "
        text += (index > 0 ? "," : "") + "\n" + inner + key
        member.value.write(
          to: &text, indentation: indentation + 2, width: width, beside: key.count + 1)
      }
      text += "\n\(outer)}"
    default: text += short
    }
  }
}
