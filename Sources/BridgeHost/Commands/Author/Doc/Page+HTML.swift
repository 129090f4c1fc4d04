internal import TerminalText

extension Page {
  /// As a whole HTML document that needs no other file.
  var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Self.html(title))</title>
    <style>
    body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
    table { border-collapse: collapse; }
    td, th { border: 1px solid #bbb; padding: 0.2em 0.6em; text-align: left; vertical-align: top; }
    pre { background: #f4f4f4; padding: 0.6em; overflow-x: auto; }
    </style>
    </head>
    <body>
    <h1>\(Self.html(title))</h1>
    \(blocks.map(Self.html).joined(separator: "\n"))
    </body>
    </html>

    """
  }

  private static func html(_ block: Block) -> String {
    switch block {
    case .heading(let level, let spans): "<h\(level)>\(html(spans))</h\(level)>"
    case .paragraph(let spans): "<p>\(html(spans))</p>"
    case .list(let items):
      "<ul>\n" + items.map { "<li>\(html($0))</li>\n" }.joined() + "</ul>"
    case .table(let header, let rows):
      "<table>\n<tr>" + header.map { "<th>\(html($0))</th>" }.joined() + "</tr>\n"
        + rows.map { "<tr>" + $0.map { "<td>\(html($0))</td>" }.joined() + "</tr>\n" }.joined()
        + "</table>"
    case .code(let text, _):
      "<pre><code>"
        + text.split(separator: "\n", omittingEmptySubsequences: false).map { html(String($0)) }
        .joined(separator: "\n") + "</code></pre>"
    }
  }

  private static func html(_ spans: [Span]) -> String {
    spans.map { span in
      switch span {
      case .text(let text): html(text)
      case .code(let text): "<code>\(html(text))</code>"
      }
    }.joined()
  }

  /// Text in which nothing is markup, and nothing steers a terminal.
  private static func html(_ text: String) -> String {
    var result = ""
    for scalar in TerminalText.escaped(text).unicodeScalars {
      switch scalar {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
