/// A page of text, in no format yet. All texts are as their authors wrote them: formats escape them.
struct Page {
  var title: String
  var blocks: [Block] = []

  /// A part of a page.
  enum Block {
    /// Level 2 or 3.
    case heading(Int, [Span])
    case paragraph([Span])
    case list([[Span]])
    case table(header: [String], rows: [[[Span]]])
    case code(String, language: String)
  }

  /// A run of text.
  enum Span {
    case text(String)
    case code(String)
  }

  /// Adds what an author wrote: paragraphs with an empty line between them.
  mutating func add(paragraphs text: String) {
    var lines: [Substring] = []
    let all: [Substring] = text.split(separator: "\n", omittingEmptySubsequences: false) + [""]
    for line in all {
      if line.contains(where: { !$0.isWhitespace }) {
        lines.append(line)
      } else if !lines.isEmpty {
        blocks.append(.paragraph([.text(lines.joined(separator: " "))]))
        lines = []
      }
    }
  }
}
