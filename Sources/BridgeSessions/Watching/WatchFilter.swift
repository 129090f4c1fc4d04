/// Which variables a watch reports.
struct WatchFilter: Sendable {
  private(set) var names: Set<String> = []
  /// Variables addressed by id: a later variable of the same name is another one.
  private(set) var definitions: [Variable.Definition] = []
  private(set) var patterns: [Wildcard] = []
  private(set) var isEverything = false
  /// The only name, when that is all there is: the usual case, checked without hashing.
  private var singleName: String?

  /// - Parameters:
  ///   - identifiers: Ids, names and patterns; none stand for everything.
  ///   - resolve: The variable that an identifier addresses by its id now.
  init(_ identifiers: [String], resolve: (String) -> Variable.Definition?) {
    isEverything = identifiers.isEmpty
    for identifier in identifiers {
      if Wildcard.isPattern(identifier) {
        patterns.append(Wildcard(identifier))
      } else if let definition = resolve(identifier) {
        definitions.append(definition)
      } else {
        names.insert(identifier)
      }
    }
    if definitions.isEmpty && patterns.isEmpty && names.count == 1 { singleName = names.first }
  }

  /// Equal for filters that match the same variables, now and later.
  struct Key: Hashable {
    let names: Set<String>
    let ordinals: Set<Int32>
    let patterns: Set<Wildcard>
    let isEverything: Bool
  }

  var key: Key {
    Key(
      names: names, ordinals: Set(definitions.map(\.ordinal)), patterns: Set(patterns),
      isEverything: isEverything)
  }

  /// About how many bytes it takes, with what the session keeps to find its watches.
  var byteCount: Int {
    var count = 512
    for name in names { count += 160 + name.utf8.count }
    for pattern in patterns { count += 160 + 2 * pattern.pattern.utf8.count }
    // The names of these are the variables' own.
    return count + 128 * definitions.count
  }

  /// Whether the watch must hear of every name because patterns decide.
  var isBroad: Bool { isEverything || !patterns.isEmpty }

  /// The names it may report, when it is not broad.
  var allNames: Set<String> { names.union(definitions.map(\.name)) }

  func matches(_ definition: Variable.Definition) -> Bool {
    if let singleName { return singleName == definition.name }
    if isEverything || names.contains(definition.name) { return true }
    if definitions.contains(where: { $0.ordinal == definition.ordinal }) { return true }
    return patterns.contains { $0.matches(definition.name) }
  }
}
