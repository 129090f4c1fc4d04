/// The name of a new plugin, in the forms that languages want.
///
/// The templates are plugins of the name `my-plugin`; each of its forms in them is a place to fill in.
public struct NewPluginName: Sendable {
  /// The rule in words, for messages.
  public static let rule = """
    a name begins with a lower-case letter and has at most 64 lower-case letters, digits, and single "-" or "_" \
    between them
    """

  /// Words with a "-" between them, as "my-plugin".
  public let dashed: String

  private let words: [String]

  /// - Throws: `PluginTemplateError` for what one of the languages cannot have as a name.
  public init(_ text: String) throws(PluginTemplateError) {
    let words = text.split(separator: "-", omittingEmptySubsequences: false).flatMap {
      $0.split(separator: "_", omittingEmptySubsequences: false)
    }.map(String.init)
    let isName = words.allSatisfy { word in
      !word.isEmpty
        && word.utf8.allSatisfy {
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
    }
    guard isName, text.utf8.count <= 64, let first = text.utf8.first,
      first >= UInt8(ascii: "a")
    else { throw PluginTemplateError("\"\(text)\" cannot be a plugin's name: \(Self.rule)") }
    self.words = words
    dashed = words.joined(separator: "-")
    guard !Self.taken.contains(dashed) else {
      throw PluginTemplateError(
        "\"\(text)\" cannot be a plugin's name: it means something else in Swift, C, Rust, Zig or Go"
      )
    }
  }

  /// As modules of Swift are called: "MyPlugin".
  var capitalized: String {
    words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// As tools, files of C and crates are called: "my_plugin".
  var underscored: String { words.joined(separator: "_") }

  /// The text of a template with this name in place of the template's.
  public func filledIn(_ text: String) -> String {
    var text = text
    for (placeholder, name) in [
      ("my-plugin", dashed), ("my_plugin", underscored), ("MyPlugin", capitalized),
    ] {
      text = Self.replacing(placeholder, by: name, in: text)
    }
    return text
  }

  private static func replacing(_ old: String, by new: String, in text: String) -> String {
    let bytes = Array(text.utf8)
    let old = Array(old.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == old[0], bytes[index...].starts(with: old) {
        result += new.utf8
        index += old.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Keywords, and modules, crates and packages that are there already.
  private static let taken: Set<String> = [
    "bridge", "bridge-plugin", "bridge-plugin-abi", "bridge-plugin-testing",
    // Swift
    "swift", "foundation", "glibc", "testing", "synchronization", "dispatch", "any", "self",
    "protocol", "type",
    // C
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
    "short", "signed",
    "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile",
    "while", "main",
    // Rust
    "abstract", "as", "async", "await", "become", "box", "crate", "dyn", "false", "final", "fn",
    "impl", "in",
    "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "super", "trait",
    "true", "try", "typeof", "unsafe", "unsized", "use", "virtual", "where", "yield", "alloc",
    "core", "std",
    "proc-macro", "test", "build", "deps", "examples", "incremental",
    // Zig
    "zig", "align", "allowzero", "and", "anyframe", "anytype", "asm", "catch", "comptime", "defer",
    "error",
    "export", "linksection", "noalias", "opaque", "or", "orelse", "packed", "suspend", "resume",
    "threadlocal",
    "undefined", "unreachable", "var", "null",
    // Go, and CMake's targets
    "chan", "fallthrough", "func", "go", "import", "interface", "map", "package", "range", "select",
    "all",
    "clean", "help", "install", "vendor",
  ]
}
