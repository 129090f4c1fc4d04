/// Which variables of a session depend on which others, by name: a directed graph without cycles.
struct DependencyGraph {
  /// A variable that a change of others leaves out of date.
  struct Affected: Equatable {
    var name: String
    /// The direct source it was reached from, and the type of that dependency.
    var source: String
    var type: String
  }

  private struct Edge {
    var dependent: String
    var type: String
  }

  /// In the order they were added.
  private var dependentsBySource: [String: [Edge]] = [:]
  private var sourcesByDependent: [String: Set<String>] = [:]
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// All dependencies: sources in the order of their names, dependents as they were added.
  var edges: [(source: String, dependent: String, type: String)] {
    dependentsBySource.keys.sorted().flatMap { source in
      dependentsBySource[source]!.map { (source, $0.dependent, $0.type) }
    }
  }

  /// The path that a new dependency would close to a cycle; nil when it closes none.
  func cycle(closedBy dependency: DependencyImage) -> [String]? {
    if holds(dependency) { return nil }
    return path(from: dependency.dependent, to: dependency.source)
  }

  /// Whether the dependency is there, perhaps with another type.
  func holds(_ dependency: DependencyImage) -> Bool {
    dependentsBySource[dependency.source]?.contains { $0.dependent == dependency.dependent } == true
  }

  /// Adds a dependency that closes no cycle; one that is there already gets the type.
  mutating func add(_ dependency: DependencyImage) {
    let (source, dependent, type) = (dependency.source, dependency.dependent, dependency.type)
    if let index = dependentsBySource[source]?.firstIndex(where: { $0.dependent == dependent }) {
      dependentsBySource[source]![index].type = type
      return
    }
    dependentsBySource[source, default: []].append(Edge(dependent: dependent, type: type))
    sourcesByDependent[dependent, default: []].insert(source)
    count += 1
  }

  /// Removes a variable and every dependency from and on it.
  mutating func remove(_ name: String) {
    for edge in dependentsBySource.removeValue(forKey: name) ?? [] {
      count -= 1
      sourcesByDependent[edge.dependent]?.remove(name)
      if sourcesByDependent[edge.dependent]?.isEmpty == true {
        sourcesByDependent[edge.dependent] = nil
      }
    }
    for source in sourcesByDependent.removeValue(forKey: name) ?? [] {
      count -= 1
      dependentsBySource[source]?.removeAll { $0.dependent == name }
      if dependentsBySource[source]?.isEmpty == true { dependentsBySource[source] = nil }
    }
  }

  /// What depends, directly or not, on the names, nearest first; none of the names themselves.
  func affected(by names: [String]) -> [Affected] {
    var seen = Set(names)
    var result: [Affected] = []
    var frontier = names
    while !frontier.isEmpty {
      var next: [String] = []
      for source in frontier {
        for edge in dependentsBySource[source] ?? [] where seen.insert(edge.dependent).inserted {
          result.append(Affected(name: edge.dependent, source: source, type: edge.type))
          next.append(edge.dependent)
        }
      }
      frontier = next
    }
    return result
  }

  /// The names from one variable to another along dependencies, if there is a way.
  private func path(from start: String, to end: String) -> [String]? {
    if start == end { return [start, end] }
    var cameFrom: [String: String] = [:]
    for affected in affected(by: [start]) {
      cameFrom[affected.name] = affected.source
      guard affected.name == end else { continue }
      var path = [end]
      while path.last! != start { path.append(cameFrom[path.last!]!) }
      return path.reversed() + [start]
    }
    return nil
  }
}
