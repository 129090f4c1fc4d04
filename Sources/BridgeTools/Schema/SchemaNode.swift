internal import BridgeSessions
internal import JSON

/// One schema, as it is checked.
///
/// Members of objects are found by their bytes: comparing texts as Swift does takes more than linear time
/// for some that a client may send.
struct SchemaNode: Sendable {
  /// The schema `false`: nothing is right.
  var isNever = false
  var reference: String?

  var types: Set<SchemaType> = []
  var choices: [JSON]?
  /// Whether `choices` is a `const`.
  var isConstant = false

  var minimum: JSON?
  var maximum: JSON?
  var exclusiveMinimum: JSON?
  var exclusiveMaximum: JSON?
  var divisor: JSON?

  var lengths = Bounds()
  var pattern: PCREPattern?

  var members = Bounds()
  var required: [String] = []
  var properties: [[UInt8]: SchemaChild] = [:]
  var patterns: [(pattern: PCREPattern, node: SchemaChild)] = []
  var additional: SchemaChild?
  var names: SchemaChild?
  var dependentRequired: [(key: [UInt8], names: [String])] = []
  var dependent: [(key: [UInt8], node: SchemaChild)] = []

  var items = Bounds()
  var prefix: [SchemaChild] = []
  var rest: SchemaChild?
  var contained: SchemaChild?
  var containedBounds = Bounds()
  var isUnique = false

  var all: [SchemaChild] = []
  var any: [SchemaChild] = []
  var one: [SchemaChild] = []
  var not: SchemaChild?
  var condition: SchemaChild?
  var consequence: SchemaChild?
  var alternative: SchemaChild?

  /// A number of things within bounds.
  struct Bounds: Sendable {
    var least: Int?
    var most: Int?
  }

  /// Whether anything at all is checked of objects.
  var looksAtObjects: Bool {
    !required.isEmpty || !properties.isEmpty || !patterns.isEmpty || additional != nil
      || names != nil || !dependentRequired.isEmpty || !dependent.isEmpty || members.least != nil
      || members.most != nil
  }
}

/// A schema within a schema.
final class SchemaChild: Sendable {
  let node: SchemaNode

  init(_ node: SchemaNode) { self.node = node }
}

/// The types of JSON Schema.
enum SchemaType: String, Sendable {
  case null, boolean, integer, number, string, array, object

  func covers(_ value: JSON) -> Bool {
    switch (self, value) {
    case (.null, .null), (.boolean, .boolean), (.integer, .integer), (.integer, .unsigned),
      (.number, .integer), (.number, .unsigned), (.number, .number), (.string, .string),
      (.array, .array), (.object, .object):
      true
    // 1.0 is an integer: JSON knows numbers only.
    case (.integer, .number(let number)): number.isFinite && number == number.rounded(.towardZero)
    default: false
    }
  }
}
