internal import BridgeSessions
internal import JSON

/// One check of a value against a schema.
struct SchemaCheck {
  private let schema: JSONSchema
  private(set) var faults: [JSONSchema.Fault] = []
  /// The place that is looked at, from the last step to the first.
  private var path: [String] = []
  /// What all its searches may take together.
  private(set) var searches: SearchBudget
  /// Why a pattern could not be searched for, so that nobody knows what holds.
  private var failedSearch: String?

  /// References may lead in circles; values are never nested so deep.
  private static let depthLimit = 512

  init(_ schema: JSONSchema, _ searches: SearchBudget) {
    self.schema = schema
    self.searches = searches
  }

  private var isFull: Bool { faults.count >= JSONSchema.faultLimit }

  private mutating func fault(_ message: String) {
    guard !isFull else { return }
    let pointer = path.map { step in
      "/"
        + step.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
        .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
    }
    faults.append(JSONSchema.Fault(path: pointer.joined(), message: message))
  }

  /// A value for a message: not more of it than a line holds.
  private static func excerpt(_ value: JSON) -> String {
    let text =
      switch value {
      case .array(let elements): "an array of \(elements.count)"
      case .object(let members): "an object of \(members.count)"
      case .string(let text): JSON.string(String(text.unicodeScalars.prefix(60))).text
      default: value.text
      }
    return text
  }

  /// Notes what is wrong with a value.
  ///
  /// - Throws: `SearchInterruption`.
  mutating func check(_ value: JSON, against node: SchemaNode, depth: Int) throws {
    guard depth < Self.depthLimit else {
      return fault("the schema refers to itself without end")
    }
    if isFull { return }
    if node.isNever { return fault("there must be nothing here, got \(Self.excerpt(value))") }
    if let reference = node.reference, let target = schema.nodes[reference] {
      try check(value, against: target, depth: depth + 1)
    }
    if !node.types.isEmpty, !node.types.contains(where: { $0.covers(value) }) {
      let names = node.types.map(\.rawValue).sorted().joined(separator: " or ")
      // What else is said of it would be said of another type.
      return fault("expected \(names), got \(Self.excerpt(value))")
    }
    if let choices = node.choices, !choices.contains(where: { JSONComparison.equal($0, value) }) {
      let list = choices.prefix(20).map(Self.excerpt).joined(separator: ", ")
      fault(node.isConstant ? "must be \(list)" : "must be one of: \(list)")
    }
    switch value {
    case .integer, .unsigned, .number: checkNumber(value, node)
    case .string(let text): try checkText(text, node)
    case .array(let elements): try checkArray(elements, node, depth)
    case .object(let members):
      if node.looksAtObjects { try checkObject(value, members, node, depth) }
    case .null, .boolean: break
    }
    try checkCombinations(value, node, depth)
  }

  private mutating func checkNumber(_ value: JSON, _ node: SchemaNode) {
    if let bound = node.minimum, JSONComparison.order(value, bound) == .less {
      fault("\(value.text) is below minimum \(bound.text)")
    }
    if let bound = node.maximum, JSONComparison.order(value, bound) == .greater {
      fault("\(value.text) is above maximum \(bound.text)")
    }
    if let bound = node.exclusiveMinimum, JSONComparison.order(value, bound) != .greater {
      fault("\(value.text) must be above \(bound.text)")
    }
    if let bound = node.exclusiveMaximum, JSONComparison.order(value, bound) != .less {
      fault("\(value.text) must be below \(bound.text)")
    }
    if let divisor = node.divisor, !JSONComparison.isMultiple(value, of: divisor) {
      fault("\(value.text) is no multiple of \(divisor.text)")
    }
  }

  private mutating func checkText(_ text: String, _ node: SchemaNode) throws {
    if node.lengths.least != nil || node.lengths.most != nil {
      check(text.unicodeScalars.count, node.lengths, "characters")
    }
    guard let pattern = node.pattern else { return }
    if try matches(text, pattern) == false {
      fault("\(Self.excerpt(.string(text))) does not match the pattern \(pattern.source)")
    }
  }

  /// Whether a pattern occurs in a text; nil when that cannot be found out, which is a fault.
  private mutating func matches(_ text: String, _ pattern: PCREPattern) throws -> Bool? {
    do {
      return try pattern.matches(text, &searches)
    } catch let error as SessionError {
      failedSearch = error.message
      fault(error.message)
      return nil
    }
  }

  private mutating func check(_ count: Int, _ bounds: SchemaNode.Bounds, _ what: String) {
    if let least = bounds.least, count < least {
      fault("has \(count) \(what), at least \(least) are needed")
    }
    if let most = bounds.most, count > most {
      fault("has \(count) \(what), at most \(most) are taken")
    }
  }

  private mutating func at(_ step: String, _ body: (inout SchemaCheck) throws -> Void) rethrows {
    path.append(step)
    try body(&self)
    path.removeLast()
  }

  private mutating func checkArray(
    _ elements: [JSON], _ node: SchemaNode, _ depth: Int
  ) throws {
    check(elements.count, node.items, "elements")
    for (index, child) in node.prefix.enumerated() where index < elements.count {
      try at("\(index)") { try $0.check(elements[index], against: child.node, depth: depth + 1) }
    }
    if let rest = node.rest, elements.count > node.prefix.count {
      for index in node.prefix.count..<elements.count {
        if isFull { return }
        try at("\(index)") { try $0.check(elements[index], against: rest.node, depth: depth + 1) }
      }
    }
    if let contained = node.contained {
      let count = try elements.count { try holds($0, contained, depth) }
      let least = node.containedBounds.least ?? 1
      if count < least { fault("has \(count) elements as `contains` asks, needs \(least)") }
      if let most = node.containedBounds.most, count > most {
        fault("has \(count) elements as `contains` asks, may have \(most)")
      }
    }
    if node.isUnique {
      var seen: Set<[UInt8]> = []
      for (index, element) in elements.enumerated()
      where !seen.insert(JSONComparison.key(of: element)).inserted {
        at("\(index)") { $0.fault("is there twice") }
        break
      }
    }
  }

  private mutating func checkObject(
    _ value: JSON, _ members: [JSON.Member], _ node: SchemaNode, _ depth: Int
  ) throws {
    check(members.count, node.members, "members")
    let keys = Set(members.map { Array($0.key.utf8) })
    for name in node.required where !keys.contains(Array(name.utf8)) {
      fault("\"\(name)\" is required")
    }
    for (key, names) in node.dependentRequired where keys.contains(key) {
      for name in names where !keys.contains(Array(name.utf8)) {
        fault("\"\(name)\" is required beside \"\(String(decoding: key, as: UTF8.self))\"")
      }
    }
    for (key, child) in node.dependent where keys.contains(key) {
      try check(value, against: child.node, depth: depth + 1)
    }
    for member in members {
      if isFull { return }
      try check(member, node, depth)
    }
  }

  private mutating func check(
    _ member: JSON.Member, _ node: SchemaNode, _ depth: Int
  ) throws {
    // A key is in messages as long as it is, else as its beginning.
    let step = String(member.key.unicodeScalars.prefix(100))
    if let names = node.names {
      try at(step) { try $0.check(.string(member.key), against: names.node, depth: depth + 1) }
    }
    var isKnown = false
    if let child = node.properties[Array(member.key.utf8)] {
      isKnown = true
      try at(step) { try $0.check(member.value, against: child.node, depth: depth + 1) }
    }
    for (pattern, child) in node.patterns {
      var isMeant: Bool?
      try at(step) { isMeant = try $0.matches(member.key, pattern) }
      guard isMeant == true else { continue }
      isKnown = true
      try at(step) { try $0.check(member.value, against: child.node, depth: depth + 1) }
    }
    guard !isKnown, let additional = node.additional else { return }
    if additional.node.isNever {
      at(step) { $0.fault("there is no such member") }
    } else {
      try at(step) { try $0.check(member.value, against: additional.node, depth: depth + 1) }
    }
  }

  /// Whether a value is as a schema says.
  ///
  /// A search that failed is a fault of the whole value: what is made of the answer may be the opposite.
  private mutating func holds(
    _ value: JSON, _ child: SchemaChild, _ depth: Int
  ) throws -> Bool {
    var check = SchemaCheck(schema, searches)
    try check.check(value, against: child.node, depth: depth + 1)
    searches = check.searches
    if failedSearch == nil, let failure = check.failedSearch {
      failedSearch = failure
      fault(failure)
    }
    return check.faults.isEmpty
  }

  private mutating func checkCombinations(_ value: JSON, _ node: SchemaNode, _ depth: Int) throws {
    for child in node.all { try check(value, against: child.node, depth: depth + 1) }
    if !node.any.isEmpty, try !node.any.contains(where: { try holds(value, $0, depth) }) {
      fault("\(Self.excerpt(value)) is none of the \(node.any.count) things it may be")
    }
    if !node.one.isEmpty {
      let count = try node.one.count { try holds(value, $0, depth) }
      if count != 1 {
        fault(
          "\(Self.excerpt(value)) is \(count) of the \(node.one.count) things it must be one of")
      }
    }
    if let not = node.not, try holds(value, not, depth) {
      fault("\(Self.excerpt(value)) is what it must not be")
    }
    if let condition = node.condition {
      let branch = try holds(value, condition, depth) ? node.consequence : node.alternative
      if let branch { try check(value, against: branch.node, depth: depth + 1) }
    }
  }
}
