internal import BridgeSessions
internal import JSON

/// Reads a schema.
struct SchemaReader {
  private let whole: JSON
  private var nodes: [String: SchemaNode] = [:]
  /// References that have yet to be read.
  private var open: [String] = []

  init(_ schema: JSON) { whole = schema }

  /// Assertions of the standard that are not known here: to pass over them would let pass what the
  /// schema forbids.
  private static let unknown: Set<String> = [
    "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "dependencies",
    "additionalItems",
  ]

  /// Reads the whole schema and all that it refers to.
  mutating func read() throws(ToolsError) -> [String: SchemaNode] {
    nodes["#"] = try node(whole, "#")
    while let reference = open.popLast() {
      if nodes[reference] != nil { continue }
      guard let schema = find(reference) else {
        throw fault("#", "there is no \(reference) in the schema that $ref could mean")
      }
      nodes[reference] = try node(schema, reference)
    }
    return nodes
  }

  private func find(_ reference: String) -> JSON? {
    var found = whole
    for part in reference.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false) {
      let key = part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
        .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
      switch found {
      case .object:
        guard let member = found[key] else { return nil }
        found = member
      case .array(let elements):
        guard let index = Int(key), elements.indices.contains(index) else { return nil }
        found = elements[index]
      default: return nil
      }
    }
    return found
  }

  private func fault(_ path: String, _ message: String) -> ToolsError {
    ToolsError(.invalidSchema, "\(path): \(message)", details: ["path": path])
  }

  private mutating func node(_ schema: JSON, _ path: String) throws(ToolsError) -> SchemaNode {
    var node = SchemaNode()
    switch schema {
    case .boolean(let isRight):
      node.isNever = !isRight
      return node
    case .object(let members):
      for member in members {
        try read(member.key, member.value, into: &node, "\(path)/\(member.key)")
      }
      return node
    default: throw fault(path, "a schema is an object or a boolean")
    }
  }

  private mutating func read(
    _ key: String, _ value: JSON, into node: inout SchemaNode, _ path: String
  ) throws(ToolsError) {
    switch key {
    case "$ref":
      let reference = try text(value, path)
      guard reference == "#" || reference.hasPrefix("#/") else {
        throw fault(path, "\"\(reference)\" is no reference within the schema, as \"#/$defs/…\"")
      }
      node.reference = reference
      open.append(reference)
    case "type":
      let names = if case .array(let list) = value { list } else { [value] }
      for name in names {
        guard let type = SchemaType(rawValue: try text(name, path)) else {
          throw fault(path, "there is no type \(name.text)")
        }
        node.types.insert(type)
      }
    case "enum": node.choices = try list(value, path)
    case "const":
      node.choices = [value]
      node.isConstant = true
    case "minimum": node.minimum = try number(value, path)
    case "maximum": node.maximum = try number(value, path)
    case "exclusiveMinimum": node.exclusiveMinimum = try number(value, path)
    case "exclusiveMaximum": node.exclusiveMaximum = try number(value, path)
    case "multipleOf":
      node.divisor = try number(value, path)
      guard let divisor = node.divisor, JSONComparison.order(divisor, .integer(0)) == .greater
      else { throw fault(path, "it must be above 0") }
    case "pattern": node.pattern = try pattern(try text(value, path), path)
    case "required": node.required = try texts(value, path)
    case "uniqueItems":
      guard case .boolean(let isUnique) = value else { throw fault(path, "it must be a boolean") }
      node.isUnique = isUnique
    case "dependentRequired":
      for member in try members(value, path) {
        node.dependentRequired.append(
          (Array(member.key.utf8), try texts(member.value, "\(path)/\(member.key)")))
      }
    case "format", "title", "description", "default", "examples", "$schema", "$id", "$comment",
      "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType":
      return
    default:
      if try readBound(key, value, into: &node, path) { return }
      if try readSchema(key, value, into: &node, path) { return }
      if Self.unknown.contains(key) { throw fault(path, "this keyword is not known here") }
    }
  }

  /// Reads a number of things.
  private func readBound(
    _ key: String, _ value: JSON, into node: inout SchemaNode, _ path: String
  ) throws(ToolsError) -> Bool {
    switch key {
    case "minLength": node.lengths.least = try count(value, path)
    case "maxLength": node.lengths.most = try count(value, path)
    case "minProperties": node.members.least = try count(value, path)
    case "maxProperties": node.members.most = try count(value, path)
    case "minItems": node.items.least = try count(value, path)
    case "maxItems": node.items.most = try count(value, path)
    case "minContains": node.containedBounds.least = try count(value, path)
    case "maxContains": node.containedBounds.most = try count(value, path)
    default: return false
    }
    return true
  }

  /// Reads what holds schemas.
  private mutating func readSchema(
    _ key: String, _ value: JSON, into node: inout SchemaNode, _ path: String
  ) throws(ToolsError) -> Bool {
    switch key {
    case "properties":
      for member in try members(value, path) {
        node.properties[Array(member.key.utf8)] = try child(
          member.value, "\(path)/\(member.key)")
      }
    case "patternProperties":
      for member in try members(value, path) {
        let path = "\(path)/\(member.key)"
        node.patterns.append((try pattern(member.key, path), try child(member.value, path)))
      }
    case "dependentSchemas":
      for member in try members(value, path) {
        node.dependent.append(
          (Array(member.key.utf8), try child(member.value, "\(path)/\(member.key)")))
      }
    case "additionalProperties": node.additional = try child(value, path)
    case "propertyNames": node.names = try child(value, path)
    case "items": node.rest = try child(value, path)
    case "contains": node.contained = try child(value, path)
    case "prefixItems": node.prefix = try children(value, path)
    case "allOf": node.all = try children(value, path)
    case "anyOf": node.any = try children(value, path)
    case "oneOf": node.one = try children(value, path)
    case "not": node.not = try child(value, path)
    case "if": node.condition = try child(value, path)
    case "then": node.consequence = try child(value, path)
    case "else": node.alternative = try child(value, path)
    case "$defs", "definitions":
      // What is wrong with one is told even if nothing refers to it.
      for member in try members(value, path) {
        _ = try child(member.value, "\(path)/\(member.key)")
      }
    default: return false
    }
    return true
  }

  // MARK: Parts

  private mutating func child(_ schema: JSON, _ path: String) throws(ToolsError) -> SchemaChild {
    SchemaChild(try node(schema, path))
  }

  private mutating func children(_ value: JSON, _ path: String) throws(ToolsError) -> [SchemaChild]
  {
    var children: [SchemaChild] = []
    for (index, schema) in try list(value, path).enumerated() {
      children.append(try child(schema, "\(path)/\(index)"))
    }
    if children.isEmpty { throw fault(path, "it must not be empty") }
    return children
  }

  private func list(_ value: JSON, _ path: String) throws(ToolsError) -> [JSON] {
    guard case .array(let list) = value else { throw fault(path, "it must be an array") }
    return list
  }

  private func members(_ value: JSON, _ path: String) throws(ToolsError) -> [JSON.Member] {
    guard case .object(let members) = value else { throw fault(path, "it must be an object") }
    return members
  }

  private func text(_ value: JSON, _ path: String) throws(ToolsError) -> String {
    guard case .string(let text) = value else { throw fault(path, "it must be a string") }
    return text
  }

  private func texts(_ value: JSON, _ path: String) throws(ToolsError) -> [String] {
    var texts: [String] = []
    for element in try list(value, path) { texts.append(try text(element, path)) }
    return texts
  }

  private func number(_ value: JSON, _ path: String) throws(ToolsError) -> JSON {
    switch value {
    case .integer, .unsigned, .number: return value
    default: throw fault(path, "it must be a number")
    }
  }

  private func count(_ value: JSON, _ path: String) throws(ToolsError) -> Int {
    switch value {
    case .integer(let number) where number >= 0: return Int(number)
    case .number(let number) where number >= 0:
      if let count = Int(exactly: number) { return count }
    default: break
    }
    throw fault(path, "it must be a whole number from 0 on")
  }

  private func pattern(_ source: String, _ path: String) throws(ToolsError) -> PCREPattern {
    do {
      return try PCREPattern(source)
    } catch {
      throw fault(path, "\(error)")
    }
  }
}
