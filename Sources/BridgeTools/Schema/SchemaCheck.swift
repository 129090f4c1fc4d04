internal import BridgeSessions
internal import JSON

/// One check of a value against a schema.
struct SchemaCheck {
  private let schema: JSONSchema
  private(set) var faults: [JSONSchema.Fault] = []
  /// The place that is looked at, from the last step to the first.
  private var path: [String] = []
  /// What all its searches may take together.
  private var searches = SearchBudget.forSchema

  /// References may lead in circles; values are never nested so deep.
  private static let depthLimit = 512

  init(_ schema: JSONSchema) { self.schema = schema }

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
  mutating func check(_ value: JSON, against node: SchemaNode, depth: Int) {
    guard depth < Self.depthLimit else {
      return fault("the schema refers to itself without end")
    }
    if isFull { return }
    if node.isNever { return fault("there must be nothing here, got \(Self.excerpt(value))") }
    if let reference = node.reference, let target = schema.nodes[reference] {
      check(value, against: target, depth: depth + 1)
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
    case .string(let text): checkText(text, node)
    case .array(let elements): checkArray(elements, node, depth)
    case .object(let members): if node.looksAtObjects { checkObject(value, members, node, depth) }
    case .null, .boolean: break
    }
    checkCombinations(value, node, depth)
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

  private mutating func checkText(_ text: String, _ node: SchemaNode) {
    if node.lengths.least != nil || node.lengths.most != nil {
      check(text.unicodeScalars.count, node.lengths, "characters")
    }
    guard let pattern = node.pattern else { return }
    do {
      if try !pattern.matches(text, &searches) {
        fault("\(Self.excerpt(.string(text))) does not match the pattern \(pattern.source)")
      }
    } catch {
      fault("\(error)")
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

  private mutating func at(_ step: String, _ body: (inout SchemaCheck) -> Void) {
    path.append(step)
    body(&self)
    path.removeLast()
  }

  private mutating func checkArray(_ elements: [JSON], _ node: SchemaNode, _ depth: Int) {
    check(elements.count, node.items, "elements")
    for (index, child) in node.prefix.enumerated() where index < elements.count {
      at("\(index)") { $0.check(elements[index], against: child.node, depth: depth + 1) }
    }
    if let rest = node.rest, elements.count > node.prefix.count {
      for index in node.prefix.count..<elements.count {
        if isFull { return }
        at("\(index)") { $0.check(elements[index], against: rest.node, depth: depth + 1) }
      }
    }
    if let contained = node.contained {
      let count = elements.count { holds($0, contained, depth) }
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
  ) {
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
      check(value, against: child.node, depth: depth + 1)
    }
    for member in members {
      if isFull { return }
      check(member, node, depth)
    }
  }

  private mutating func check(_ member: JSON.Member, _ node: SchemaNode, _ depth: Int) {
    // A key is in messages as long as it is, else as its beginning.
    let step = String(member.key.unicodeScalars.prefix(100))
    if let names = node.names {
      at(step) { $0.check(.string(member.key), against: names.node, depth: depth + 1) }
    }
    var isKnown = false
    if let child = node.properties[Array(member.key.utf8)] {
      isKnown = true
      at(step) { $0.check(member.value, against: child.node, depth: depth + 1) }
    }
    for (pattern, child) in node.patterns {
      do {
        guard try pattern.matches(member.key, &searches) else { continue }
        isKnown = true
        at(step) { $0.check(member.value, against: child.node, depth: depth + 1) }
      } catch {
        at(step) { $0.fault("\(error)") }
      }
    }
    guard !isKnown, let additional = node.additional else { return }
    if additional.node.isNever {
      at(step) { $0.fault("there is no such member") }
    } else {
      at(step) { $0.check(member.value, against: additional.node, depth: depth + 1) }
    }
  }

  /// Whether a value is as a schema says.
  private func holds(_ value: JSON, _ child: SchemaChild, _ depth: Int) -> Bool {
    var check = SchemaCheck(schema)
    check.check(value, against: child.node, depth: depth + 1)
    return check.faults.isEmpty
  }

  private mutating func checkCombinations(_ value: JSON, _ node: SchemaNode, _ depth: Int) {
    for child in node.all { check(value, against: child.node, depth: depth + 1) }
    if !node.any.isEmpty, !node.any.contains(where: { holds(value, $0, depth) }) {
      fault("\(Self.excerpt(value)) is none of the \(node.any.count) things it may be")
    }
    if !node.one.isEmpty {
      let count = node.one.count { holds(value, $0, depth) }
      if count != 1 {
        fault(
          "\(Self.excerpt(value)) is \(count) of the \(node.one.count) things it must be one of")
      }
    }
    if let not = node.not, holds(value, not, depth) {
      fault("\(Self.excerpt(value)) is what it must not be")
    }
    if let condition = node.condition {
      let branch = holds(value, condition, depth) ? node.consequence : node.alternative
      if let branch { check(value, against: branch.node, depth: depth + 1) }
    }
  }
}
