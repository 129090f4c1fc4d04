internal import JSON

/// Makes values up that a JSON Schema is likely to take. Who uses them looks whether it does.
struct SchemaValues {
  private let root: JSON
  /// Deeper than this, what may be left out is.
  private static let depthLimit = 6

  init(_ schema: JSON) { root = schema }

  /// A value.
  func value(_ random: inout SeededRandom) -> JSON { value(of: root, &random, 0) }

  private func value(of schema: JSON, _ random: inout SeededRandom, _ depth: Int) -> JSON {
    guard case .object(let members) = schema, depth < 24 else { return Self.any(&random, depth) }
    if case .array(let examples)? = schema["examples"], !examples.isEmpty, random.once(in: 3) {
      return examples[Int(random.next() % UInt64(examples.count))]
    }
    if let constant = schema["const"] { return constant }
    if case .array(let choices)? = schema["enum"], !choices.isEmpty {
      return choices[Int(random.next() % UInt64(choices.count))]
    }
    if case .string(let reference)? = schema["$ref"], let target = target(reference) {
      return value(of: target, &random, depth + 1)
    }
    for key in ["anyOf", "oneOf"] {
      if case .array(let choices)? = schema[key], !choices.isEmpty {
        let choice = choices[Int(random.next() % UInt64(choices.count))]
        return value(of: Self.merged(members, choice, without: key), &random, depth + 1)
      }
    }
    if case .array(let parts)? = schema["allOf"], let first = parts.first {
      let rest = JSON.object(
        members.filter { $0.key != "allOf" }
          + (parts.count > 1
            ? [.init(key: "allOf", value: .array(Array(parts.dropFirst())))] : []))
      guard case .object(let merged) = rest else { return .null }
      return value(of: Self.merged(merged, first, without: ""), &random, depth + 1)
    }
    switch type(of: schema, &random) {
    case "null": return .null
    case "boolean": return .boolean(random.once(in: 2))
    case "integer": return integer(schema, &random)
    case "number": return number(schema, &random)
    case "string": return .string(text(schema, &random))
    case "array": return array(schema, &random, depth)
    case "object": return object(schema, &random, depth)
    default: return Self.any(&random, depth)
    }
  }

  /// A reference within the schema, as `#/$defs/x`.
  private func target(_ reference: String) -> JSON? {
    var found = root
    for step in reference.split(separator: "/").dropFirst() {
      let key = String(step).replacing("~1", with: "/").replacing("~0", with: "~")
      guard let member = found[key] else { return nil }
      found = member
    }
    return found
  }

  private static func merged(_ members: [JSON.Member], _ other: JSON, without key: String) -> JSON {
    guard case .object(let more) = other else {
      return .object(members.filter { $0.key != key })
    }
    // The last of a key counts: properties of both are put together.
    var all = members.filter { $0.key != key }
    for member in more {
      if case .object(let own)? = JSON.object(all)[member.key], case .object(let new) = member.value
      {
        all.append(.init(key: member.key, value: .object(own + new)))
      } else if case .array(let own)? = JSON.object(all)[member.key],
        case .array(let new) = member.value, member.key == "required"
      {
        all.append(.init(key: member.key, value: .array(own + new)))
      } else {
        all.append(member)
      }
    }
    return .object(all)
  }

  private func type(of schema: JSON, _ random: inout SeededRandom) -> String {
    switch schema["type"] {
    case .string(let name)?: return name
    case .array(let names)? where !names.isEmpty:
      if case .string(let name) = names[Int(random.next() % UInt64(names.count))] { return name }
    default: break
    }
    if schema["properties"] != nil || schema["required"] != nil { return "object" }
    if schema["items"] != nil || schema["prefixItems"] != nil { return "array" }
    if schema["minLength"] != nil || schema["pattern"] != nil { return "string" }
    if schema["minimum"] != nil || schema["maximum"] != nil { return "number" }
    return ""
  }

  // MARK: Numbers and texts

  private static func double(_ value: JSON?) -> Double? {
    switch value {
    case .integer(let number)?: Double(number)
    case .unsigned(let number)?: Double(number)
    case .number(let number)?: number
    default: nil
    }
  }

  private func bounds(_ schema: JSON) -> (least: Double?, most: Double?) {
    let above = Self.double(schema["exclusiveMinimum"])
    let below = Self.double(schema["exclusiveMaximum"])
    return (
      [Self.double(schema["minimum"]), above.map { $0.nextUp }].compactMap { $0 }.max(),
      [Self.double(schema["maximum"]), below.map { $0.nextDown }].compactMap { $0 }.min()
    )
  }

  private func integer(_ schema: JSON, _ random: inout SeededRandom) -> JSON {
    let (least, most) = bounds(schema)
    let low = least.map { $0.rounded(.up) } ?? min(most ?? 0, 0) - 1000
    let high = most.map { $0.rounded(.down) } ?? max(low, 0) + 1000
    guard low <= high, let first = Int64(exactly: max(low, -9e18)),
      let last = Int64(exactly: min(high, 9e18)), first <= last
    else { return .integer(0) }
    var number = Int64.random(in: first...last, using: &random)
    if case .integer(let step)? = schema["multipleOf"], step > 0 {
      number = number / step * step
      if number < first, number <= Int64.max - step { number += step }
    }
    return .integer(number)
  }

  private func number(_ schema: JSON, _ random: inout SeededRandom) -> JSON {
    let (least, most) = bounds(schema)
    if let step = Self.double(schema["multipleOf"]), step > 0 {
      let low = ((least ?? 0) / step).rounded(.up)
      return .number((low + Double(random.next() % 10)) * step)
    }
    let low = least ?? min(most ?? 0, 0) - 1000
    let high = most ?? max(low, 0) + 1000
    guard low < high, (high - low).isFinite else { return .number(low) }
    return .number(Double.random(in: low...high, using: &random))
  }

  private static func count(_ value: JSON?) -> Int? {
    double(value).flatMap { Int(exactly: $0) }
  }

  private func text(_ schema: JSON, _ random: inout SeededRandom) -> String {
    if case .string(let pattern)? = schema["pattern"] {
      return PatternText(pattern).text(&random)
    }
    if case .string(let format)? = schema["format"], let text = Self.formats[format] { return text }
    let least = Self.count(schema["minLength"]) ?? 0
    let most = max(least, Self.count(schema["maxLength"]) ?? least + 12)
    return Self.text(Int.random(in: least...min(most, least + 24), using: &random), &random)
  }

  private static let formats = [
    "date-time": "2024-02-29T12:00:00Z", "date": "2024-02-29", "time": "12:00:00Z",
    "email": "a@example.org", "uri": "https://example.org/", "ipv4": "192.0.2.1", "ipv6": "::1",
    "uuid": "123e4567-e89b-12d3-a456-426614174000", "hostname": "example.org",
  ]

  /// A text of so many characters.
  static func text(_ count: Int, _ random: inout SeededRandom) -> String {
    let usual = Array("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 _-.")
    let unusual = Array("äßñøλЖ中あ한🙂")
    return String(
      (0..<max(count, 0)).map { _ in
        random.once(in: 12)
          ? unusual[Int(random.next() % UInt64(unusual.count))]
          : usual[Int(random.next() % UInt64(usual.count))]
      })
  }

  // MARK: Arrays and objects

  private func array(_ schema: JSON, _ random: inout SeededRandom, _ depth: Int) -> JSON {
    var elements: [JSON] = []
    if case .array(let prefix)? = schema["prefixItems"] {
      elements = prefix.map { value(of: $0, &random, depth + 1) }
    }
    let least = Self.count(schema["minItems"]) ?? 0
    let most = Self.count(schema["maxItems"]) ?? max(least, elements.count) + 4
    let wanted =
      depth >= Self.depthLimit
      ? least : Int.random(in: min(least, most)...max(least, most, 0), using: &random)
    if case .boolean(false)? = schema["items"] { return .array(elements) }
    let contained = schema["contains"]
    while elements.count < min(wanted, least + 64) || elements.count < least {
      if elements.count >= 4096 { break }
      elements.append(value(of: contained ?? schema["items"] ?? .object([]), &random, depth + 1))
    }
    return .array(elements)
  }

  private func object(_ schema: JSON, _ random: inout SeededRandom, _ depth: Int) -> JSON {
    var members: [JSON.Member] = []
    var required: Set<String> = []
    if case .array(let names)? = schema["required"] {
      for case .string(let name) in names { required.insert(name) }
    }
    var known: Set<String> = []
    if case .object(let properties)? = schema["properties"] {
      // Where a key is there twice, the last counts.
      for property in properties.reversed() where known.insert(property.key).inserted {
        let isWanted =
          required.contains(property.key) || depth < Self.depthLimit && random.once(in: 2)
        if isWanted, property.value != .boolean(false) {
          members.append(
            .init(key: property.key, value: value(of: property.value, &random, depth + 1)))
        }
      }
    }
    for name in required.subtracting(known).sorted() {
      let schema = schema["additionalProperties"] ?? .object([])
      members.append(.init(key: name, value: value(of: schema, &random, depth + 1)))
    }
    let least = Self.count(schema["minProperties"]) ?? 0
    while members.count < min(least, 256) {
      members.append(
        .init(
          key: "more\(members.count)",
          value: value(of: schema["additionalProperties"] ?? .object([]), &random, depth + 1)))
    }
    return .object(members.reversed())
  }

  /// Any JSON.
  static func any(_ random: inout SeededRandom, _ depth: Int) -> JSON {
    switch random.next() % (depth >= depthLimit ? 5 : 7) {
    case 0: .null
    case 1: .boolean(random.once(in: 2))
    case 2: .integer(Int64(bitPattern: random.next()) >> Int64(random.next() % 64))
    case 3: .number(Double.random(in: -1000...1000, using: &random))
    case 4: .string(text(Int(random.next() % 12), &random))
    case 5: .array((0..<random.next() % 4).map { _ in any(&random, depth + 1) })
    default:
      .object(
        (0..<random.next() % 4).map { index in
          .init(key: "k\(index)", value: any(&random, depth + 1))
        })
    }
  }
}
