internal import BridgeTools
internal import JSON

/// The page of a plugin: what it says of itself and its tools.
struct PluginPage {
  private let file: String
  private(set) var page: Page

  /// - Parameter file: As the page calls it.
  init(of plugin: any ToolProvider, file: String) {
    self.file = file
    page = Page(title: plugin.version.isEmpty ? plugin.name : "\(plugin.name) \(plugin.version)")
    page.add(paragraphs: plugin.summary)
    let tools = plugin.tools.map(\.description)
    page.blocks.append(
      .table(
        header: ["Tool", "What it does"],
        rows: tools.map {
          [[.code($0.name)], [.text($0.title.isEmpty ? $0.description : $0.title)]]
        }))
    for tool in tools { add(tool) }
  }

  private mutating func add(_ tool: ToolDescription) {
    page.blocks.append(.heading(2, [.code(tool.name)]))
    if !tool.title.isEmpty { page.add(paragraphs: tool.title) }
    page.add(paragraphs: tool.description)
    let traits = Self.traits(of: tool)
    if !traits.isEmpty { page.blocks.append(.list(traits.map { [.text($0)] })) }
    addParameters(of: tool)
    if let output = tool.output { add(output) }
    addExamples(of: tool)
  }

  private static func traits(of tool: ToolDescription) -> [String] {
    var traits: [String] = []
    if tool.streams { traits.append("Streams: it emits chunks while it runs.") }
    if tool.isReadOnly { traits.append("Read-only: it writes no variables.") }
    if tool.isDestructive { traits.append("Destructive: it may destroy something.") }
    if tool.isIdempotent {
      traits.append("Idempotent: calling it twice does what calling it once does.")
    }
    if tool.isOpenWorld { traits.append("It deals with things outside host and session.") }
    if tool.isAtomic {
      traits.append("Atomic: what it writes is committed together when it succeeds.")
    }
    if tool.execution == .inline { traits.append("Quick: it takes microseconds.") }
    switch tool.concurrency {
    case .unlimited: break
    case .limited(let calls): traits.append("At most \(calls) calls run at once.")
    case .serial: traits.append("One call at a time of the plugin's serial tools.")
    }
    if tool.declaresVariables {
      traits.append("Variables it reads: " + names(tool.reads))
      traits.append("Variables it writes: " + names(tool.writes))
    }
    return traits
  }

  private static func names(_ names: [String]) -> String {
    names.isEmpty ? "none." : names.joined(separator: ", ") + "."
  }

  private mutating func addParameters(of tool: ToolDescription) {
    guard !tool.parameters.isEmpty else {
      page.blocks.append(.paragraph([.text("It takes no parameters.")]))
      return
    }
    page.blocks.append(.heading(3, [.text("Parameters")]))
    page.blocks.append(
      .table(
        header: ["Name", "Type", "If not given", "Constraints", "Meaning"],
        rows: tool.parameters.map { parameter in
          [
            [.code(parameter.name)], [.code(parameter.type.name)],
            Self.absence(of: parameter), Self.constraints(parameter.constraintsJSON),
            [.text(parameter.description)],
          ]
        }))
    for parameter in tool.parameters where !parameter.schemaJSON.isEmpty {
      page.blocks.append(
        .paragraph([.text("JSON Schema of "), .code(parameter.name), .text(":")]))
      page.blocks.append(.code(parameter.schemaJSON, language: "json"))
    }
  }

  private static func absence(of parameter: ParameterDescription) -> [Page.Span] {
    switch parameter.defaultValue {
    case .value(let value, let type):
      [.code(String(decoding: value.json(as: type), as: UTF8.self))]
    case .json(let text, _): [.code(String(decoding: text, as: UTF8.self))]
    case .bytes(let bytes): [.text("\(bytes.count) bytes")]
    case .donated, .null, nil: [.text(parameter.isRequired ? "required" : "left out")]
    }
  }

  /// As `min: 0, max: 10`, without the examples, which are told further down.
  private static func constraints(_ text: String) -> [Page.Span] {
    guard case .object(let members) = try? JSON(parsing: text) else { return [] }
    let told = members.filter { $0.key != "examples" }.map { "\($0.key): \($0.value.text)" }
    return told.isEmpty ? [] : [.code(told.joined(separator: ", "))]
  }

  private mutating func add(_ output: OutputDescription) {
    page.blocks.append(.heading(3, [.text("Result")]))
    guard let type = output.type else {
      page.blocks.append(.paragraph([.text("None.")]))
      return
    }
    page.blocks.append(.paragraph([.code(type.name)]))
    page.add(paragraphs: output.description)
    let constraints = Self.constraints(output.constraintsJSON)
    if !constraints.isEmpty {
      page.blocks.append(.paragraph([.text("Constraints: ")] + constraints))
    }
    if !output.schemaJSON.isEmpty {
      page.blocks.append(.code(output.schemaJSON, language: "json"))
    }
  }

  private mutating func addExamples(of tool: ToolDescription) {
    guard !tool.examples.isEmpty else { return }
    page.blocks.append(.heading(3, [.text("Examples")]))
    let lines = tool.examples.map { arguments in
      (["bridge-host", "call", Self.quoted(file), Self.quoted(tool.name)]
        + arguments.map { argument in
          let text =
            if case .string(let text) = argument.value { text } else { argument.value.text }
          return Self.quoted("\(argument.key)=\(text)")
        }).joined(separator: " ")
    }
    page.blocks.append(.code(lines.joined(separator: "\n"), language: "sh"))
  }

  /// A word as a shell takes it.
  static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "_./=:,+-".utf8.contains(byte)
        }
      }
    if isPlain { return text }
    return "'"
      + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
