/// What all tools say of themselves. Conform to `Tool`, `ReadOnlyTool` or `AsyncTool`.
public protocol ToolDeclaration: Sendable {
  /// 1 to 128 of `A-Z a-z 0-9 _ . -`; the name of the type in snake_case unless given.
  var name: String { get }
  /// A name for people; none unless given.
  var title: String { get }
  /// What the tool does, for whoever chooses among tools.
  var description: String { get }
  /// What can be relied on; nothing unless given.
  var traits: ToolTraits { get }
  /// How many calls may run at once; any number unless given.
  var threading: ToolThreading { get }
  /// At most so many calls at once, beside `threading`; no limit of its own unless given.
  var concurrencyLimit: Int? { get }
  /// What the tool says of its result; what its `Output` says unless given.
  var output: ToolOutput { get }
  /// Names or patterns with `*` of the variables the tool reads or watches.
  ///
  /// Where this or `writes` is not empty, other access is refused with `permissionDenied`.
  var reads: [String] { get }
  /// Names or patterns with `*` of the variables the tool writes; it may read them too.
  var writes: [String] { get }
}

extension ToolDeclaration {
  /// The name of the type in snake_case: `WordCount` is `word_count`.
  // Not `String(describing:)`, which looks through all conformances of the process, for each tool.
  public var name: String { snakeCase(_typeName(Self.self, qualified: false)) }
  /// No title.
  public var title: String { "" }
  /// Nothing special.
  public var traits: ToolTraits { [] }
  /// Any number of calls at once.
  public var threading: ToolThreading { .parallel }
  /// No limit of its own.
  public var concurrencyLimit: Int? { nil }
  /// Nothing is said of the result.
  public var output: ToolOutput { .undeclared }
  /// No declaration.
  public var reads: [String] { [] }
  /// No declaration.
  public var writes: [String] { [] }
}

/// What a caller can rely on.
public struct ToolTraits: OptionSet, Sendable, Hashable {
  /// The flags of the ABI.
  public let rawValue: UInt32

  /// Makes traits from the flags of the ABI.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// It emits chunks.
  public static let streams = ToolTraits(rawValue: 1 << 0)
  /// It may destroy something.
  public static let destructive = ToolTraits(rawValue: 1 << 1)
  /// Calling it twice does what calling it once does.
  public static let idempotent = ToolTraits(rawValue: 1 << 2)
  /// It deals with things outside host and session, as the network.
  public static let openWorld = ToolTraits(rawValue: 1 << 3)
  /// Its writes of variables are made together when it succeeds, and none when it does not.
  ///
  /// It reads what it wrote, others do not before the commit. When a variable has another version by then
  /// than a write expected, the call fails with `aborted`, and nothing is written.
  public static let atomic = ToolTraits(rawValue: 1 << 4)
  /// It takes microseconds and never waits: the host may run it where others wait for it.
  public static let quick = ToolTraits(rawValue: 1 << 5)
}

/// How many calls of a tool may run at once. The raw values are those of the ABI.
public enum ToolThreading: UInt32, Sendable, Hashable {
  /// One call at a time of all the plugin's serial tools.
  case serial = 1
  /// Any number.
  case parallel = 2
}

/// Turns a type's name into words: `HTTPGet2` into `http_get2`. What no tool's name may hold is
/// left out.
func snakeCase(_ name: String) -> String {
  let letters = Array(name.unicodeScalars.filter { $0.isASCII })
  var text = ""
  for (index, letter) in letters.enumerated() {
    guard letter.properties.isAlphabetic || ("0"..."9").contains(letter) || letter == "_" else {
      continue
    }
    if letter.properties.isUppercase, index > 0, !text.hasSuffix("_") {
      let followsWord = !letters[index - 1].properties.isUppercase
      let startsWord =
        index + 1 < letters.count && letters[index + 1].properties.isLowercase
      if followsWord || startsWord { text += "_" }
    }
    text += letter.properties.lowercaseMapping
  }
  return text
}
