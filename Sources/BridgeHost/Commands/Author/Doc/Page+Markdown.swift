internal import TerminalText

extension Page {
  /// As Markdown, with tables as GitHub has them.
  ///
  /// Source: https://github.github.com/gfm/
  var markdown: String {
    (["# " + Self.markdown(title, isFirst: true)] + blocks.map(Self.markdown)).joined(
      separator: "\n\n") + "\n"
  }

  private static func markdown(_ block: Block) -> String {
    switch block {
    case .heading(let level, let spans):
      return String(repeating: "#", count: level) + " " + markdown(spans)
    case .paragraph(let spans): return markdown(spans)
    case .list(let items): return items.map { "* " + markdown($0) }.joined(separator: "\n")
    case .table(let header, let rows):
      let head = [
        row(header.map { markdown($0, isFirst: true) }), row(header.map { _ in "---" }),
      ]
      return (head + rows.map { row($0.map { markdown($0, inTable: true) }) }).joined(
        separator: "\n")
    case .code(let text, let language):
      let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { TerminalText.escaped(String($0)) }
      return "\(fence)\(language)\n\(lines.joined(separator: "\n"))\n\(fence)"
    }
  }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  private static func markdown(_ spans: [Span], inTable: Bool = false) -> String {
    spans.enumerated().map { index, span in
      switch span {
      case .text(let text): markdown(text, isFirst: index == 0)
      case .code(let text): code(text, inTable: inTable)
      }
    }.joined()
  }

  /// Text in which nothing means anything to Markdown or to a terminal.
  private static func markdown(_ text: String, isFirst: Bool) -> String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    var result = ""
    var rest = Substring(TerminalText.escaped(line))
    if isFirst { rest = rest.drop { $0 == " " } }
    // What begins a heading, a list, a rule or a heading's underline does so at the start alone.
    let digits = rest.prefix { isFirst && $0.isASCII && $0.isNumber }
    if isFirst, let first = rest.first, "#+-=".contains(first) {
      result += "\\"
    } else if !digits.isEmpty, let next = rest.dropFirst(digits.count).first, ".)".contains(next) {
      result += "\(digits)\\"
      rest = rest.dropFirst(digits.count)
      result.append(rest.removeFirst())
    }
    while let character = rest.first {
      switch character {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      // Addresses that would become links: http://…, www.… and name@host.
      case ":" where rest.hasPrefix("://"): result += "&#58;"
      case "." where result.suffix(3).lowercased() == "www": result += "&#46;"
      case "@": result += "&#64;"
      case "\\", "`", "*", "_", "[", "]", "|", "~", "$": result += "\\\(character)"
      default: result.append(character)
      }
      rest.removeFirst()
    }
    return result
  }

  private static func code(_ text: String, inTable: Bool) -> String {
    var text = TerminalText.escaped(text)
    if text.isEmpty { return "" }
    let fence = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
    // A cell ends at each |, also within code.
    if inTable {
      text = text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
    let space = fence.count > 1 || text.first == " " ? " " : ""
    return fence + space + text + space + fence
  }

  private static func longestRun(of character: Character, in text: String) -> Int {
    var longest = 0
    var run = 0
    for each in text {
      run = each == character ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
