import BridgeSessions
import BridgeTools
import Testing

@testable import BridgeHost

@Suite struct PageTests {
  private let hostile = "<b>|&*_`[x](http://y) www.a.b c@d ~~e~~ $f$\u{1B}[31m\n# g"

  @Test func markdownMeansNothingOfWhatAuthorsWrite() {
    var page = Page(title: hostile)
    page.add(paragraphs: "1. one\n# two\n\n- three\n\n  \n+ four")
    page.blocks.append(.table(header: ["a|b"], rows: [[[.text("c|d"), .code("e|f`g")]]]))
    page.blocks.append(.paragraph([.text("see "), .code("``"), .text(" - and")]))
    page.blocks.append(.code("```\nh\u{7}", language: "json"))
    #expect(
      page.markdown == """
        # &lt;b&gt;\\|&amp;\\*\\_\\`\\[x\\](http&#58;//y) www&#46;a.b c&#64;d \\~\\~e\\~\\~ \\$f\\$\\\\u001b\\[31m # g

        1\\. one # two

        \\- three

        \\+ four

        | a\\|b |
        | --- |
        | c\\|d`` e\\|f`g `` |

        see ``` `` ``` - and

        ````json
        ```
        h\\u0007
        ````

        """)
  }

  @Test func htmlIsNoMarkupOfAuthors() {
    var page = Page(title: #"<script>"x"</script>"#)
    page.add(paragraphs: "a < b & 'c'")
    page.blocks.append(.heading(2, [.code("<i>")]))
    page.blocks.append(.list([[.text("</ul>")]]))
    page.blocks.append(.table(header: ["<th>"], rows: [[[.text("</td>")]]]))
    page.blocks.append(.code("</pre>\n&\u{1B}", language: "sh"))
    let body = page.html
    #expect(body.contains("<title>&lt;script&gt;&quot;x&quot;&lt;/script&gt;</title>"))
    #expect(body.contains("<p>a &lt; b &amp; &#39;c&#39;</p>\n<h2><code>&lt;i&gt;</code></h2>"))
    #expect(body.contains("<li>&lt;/ul&gt;</li>"))
    #expect(body.contains("<th>&lt;th&gt;</th></tr>\n<tr><td>&lt;/td&gt;</td></tr>"))
    #expect(body.contains("<pre><code>&lt;/pre&gt;\n&amp;\\u001b</code></pre>"))
    #expect(!body.contains("<script"))
  }

  @Test(arguments: [
    ("plain-1.5_a/b=c", "plain-1.5_a/b=c"), ("", "''"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#),
    ("$(x)", "'$(x)'"), ("[1]", "'[1]'"),
  ])
  func wordsAreQuotedForAShell(text: String, word: String) {
    #expect(PluginPage.quoted(text) == word)
  }

  private final class Provider: ToolProvider {
    let id = "id"
    let name = "weather"
    let version = "2.0"
    let summary = "What it is for.\n\nAnd more."
    let tools: [any Tool]
    init(_ description: ToolDescription) { tools = [Described(description: description)] }
    func retire() {}
  }

  private final class Described: Tool {
    let description: ToolDescription
    init(description: ToolDescription) { self.description = description }
    func run(_ call: ToolCall) {}
  }

  @Test func tellsWhatAToolDeclares() throws {
    var tool = ToolDescription(
      name: "forecast", description: "Tells the weather.",
      parameters: [
        try ParameterDescription(
          name: "days", description: "How many.", type: .value(.integer), isRequired: true,
          constraintsJSON: #"{"min": 1, "examples": [2, 5]}"#),
        try ParameterDescription(
          name: "where", description: "", type: .object, isRequired: false,
          schemaJSON: #"{"examples": [{"name": "it's"}]}"#),
        try ParameterDescription(
          name: "unit", description: "The unit.", type: .value(.string), isRequired: false,
          defaultValue: .value(.string("C"), .string)),
      ],
      plugin: "weather")
    tool.streams = true
    tool.reads = ["x.*"]
    tool.concurrency = .limited(3)
    tool.output = try OutputDescription(type: .value(.float), description: "Degrees.")
    let page = PluginPage(of: Provider(tool), file: "lib weather.so").page.markdown
    #expect(
      page == """
        # weather 2.0

        What it is for.

        And more.

        | Tool | What it does |
        | --- | --- |
        | `forecast` | Tells the weather. |

        ## `forecast`

        Tells the weather.

        * Streams: it emits chunks while it runs.
        * At most 3 calls run at once.
        * Variables it reads: x.\\*.
        * Variables it writes: none.

        ### Parameters

        | Name | Type | If not given | Constraints | Meaning |
        | --- | --- | --- | --- | --- |
        | `days` | `integer` | required | `min: 1` | How many. |
        | `where` | `object` | left out |  |  |
        | `unit` | `string` | `"C"` |  | The unit. |

        JSON Schema of `where`:

        ```json
        {"examples": [{"name": "it's"}]}
        ```

        ### Result

        `float`

        Degrees.

        ### Examples

        ```sh
        bridge-host call 'lib weather.so' forecast days=2 'where={"name":"it'\\''s"}'
        bridge-host call 'lib weather.so' forecast days=5
        ```

        """)
  }
}
