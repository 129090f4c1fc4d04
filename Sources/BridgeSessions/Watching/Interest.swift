/// Which variables a watch reports.
struct Interest: Sendable {
  private(set) var names: Set<String> = []
  /// Variables addressed by id: a later variable of the same name is another one.
  private(set) var ids: Set<String> = []
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
      } else if resolve(identifier) != nil {
        ids.insert(identifier)
      } else {
        names.insert(identifier)
      }
    }
    if ids.isEmpty && patterns.isEmpty && names.count == 1 { singleName = names.first }
  }

  /// Whether the watch must hear of every name because patterns decide.
  var isBroad: Bool { isEverything || !patterns.isEmpty }

  func matches(_ definition: Variable.Definition) -> Bool {
    if let singleName { return singleName == definition.name }
    if isEverything || names.contains(definition.name) { return true }
    if !ids.isEmpty && ids.contains(definition.id) { return true }
    return patterns.contains { $0.matches(definition.name) }
  }
}
