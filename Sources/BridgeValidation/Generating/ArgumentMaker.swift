internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// What one call is made with, made up or kept.
struct MadeArguments: Sendable {
  var arguments: [GivenArgument]
  /// What is special about them, in a few words.
  var what: String
}

/// Makes arguments up for a tool from what it declares.
struct ArgumentMaker {
  private let tool: ToolDescription
  /// Names of variables that there are: some texts are meant to be one.
  private let names: [String]

  init(_ tool: ToolDescription, names: [String] = []) {
    self.tool = tool
    self.names = names
  }

  /// So often it is tried to make a value up that a parameter takes.
  private static let tries = 100

  /// The longest text, and the most bytes, that a call is made with.
  static let largeCount = 16 << 20

  // MARK: Whole calls

  /// Arguments that the tool takes; nil where none could be made up.
  ///
  /// - Parameter optional: Which of those it does without are there; nil for some.
  func valid(_ random: inout SeededRandom, optional: Bool? = nil) -> MadeArguments? {
    var arguments: [GivenArgument] = []
    for parameter in tool.parameters {
      let isWanted = parameter.isRequired || (optional ?? !random.once(in: 3))
      guard isWanted else { continue }
      guard let value = valid(for: parameter, &random) else {
        if parameter.isRequired { return nil }
        continue
      }
      arguments.append(GivenArgument(name: parameter.name, given: value))
    }
    let what = optional == false ? "only what is required" : "made up"
    return MadeArguments(arguments: arguments, what: what)
  }

  /// Arguments at the edges of what the tool takes: one extreme value each, the others valid.
  func extremes(_ random: inout SeededRandom) -> [MadeArguments] {
    var all: [MadeArguments] = []
    for parameter in tool.parameters {
      for (value, what) in Self.extremes(of: parameter, &random) where takes(parameter, value) {
        guard let made = valid(&random, with: value, what, for: parameter) else { continue }
        all.append(made)
      }
    }
    return all
  }

  /// Arguments of which one takes 16 MiB; a host may refuse them.
  func large(_ random: inout SeededRandom) -> [MadeArguments] {
    tool.parameters.compactMap { parameter in
      Self.large(for: parameter).flatMap { value, what in
        valid(&random, with: value, what, for: parameter)
      }
    }
  }

  private func valid(
    _ random: inout SeededRandom, with value: ToolValue, _ what: String,
    for parameter: ParameterDescription
  ) -> MadeArguments? {
    guard var made = valid(&random, optional: true) else { return nil }
    made.arguments.removeAll { $0.name == parameter.name }
    made.arguments.append(GivenArgument(name: parameter.name, given: value))
    made.what = "\(parameter.name) is \(what)"
    return made
  }

  /// Arguments that a host refuses: one is missing, one too many, or of a wrong type.
  func invalid(_ random: inout SeededRandom) -> [MadeArguments] {
    var all: [MadeArguments] = []
    guard let whole = valid(&random, optional: true) else { return [] }
    for parameter in tool.parameters {
      let others = whole.arguments.filter { $0.name != parameter.name }
      if parameter.isRequired {
        all.append(MadeArguments(arguments: others, what: "\(parameter.name) is missing"))
      }
      for (value, what) in Self.anything where !takes(parameter, value) {
        all.append(
          MadeArguments(
            arguments: others + [GivenArgument(name: parameter.name, given: value)],
            what: "\(parameter.name) is \(what)"))
      }
    }
    if !tool.takesUndeclared {
      let more = GivenArgument(name: "no-such-parameter", given: .value(.integer(1), .integer))
      all.append(
        MadeArguments(arguments: whole.arguments + [more], what: "there is one too many"))
    }
    return all
  }

  /// The examples that its parameters' schemas and the tool's declare.
  func examples(_ random: inout SeededRandom) -> [MadeArguments] {
    var all: [MadeArguments] = []
    for parameter in tool.parameters {
      for (index, example) in parameter.examples.enumerated() {
        guard var made = valid(&random, optional: false) else { continue }
        made.arguments.removeAll { $0.name == parameter.name }
        let text = Array(example.text.utf8)
        var given = ToolValue.json(text, parameter.type)
        if case .value(let type) = parameter.type, let value = try? Value(json: text, as: type) {
          given = .value(value, type)
        }
        made.arguments.append(GivenArgument(name: parameter.name, given: given))
        made.what = "example \(index + 1) of \(parameter.name)"
        all.append(made)
      }
    }
    return all
  }

  // MARK: Single values

  /// Whether a parameter takes a value, as a host finds it.
  private func takes(_ parameter: ParameterDescription, _ value: ToolValue) -> Bool {
    var alone = ToolDescription(
      name: tool.name, description: "", parameters: [parameter], plugin: tool.plugin)
    alone.takesUndeclared = false
    var searches = SearchBudget.ofTool()
    let given: [any ArgumentSource] = [GivenArgument(name: parameter.name, given: value)]
    return (try? Arguments(given, for: alone, &searches)) != nil
  }

  private func valid(
    for parameter: ParameterDescription, _ random: inout SeededRandom
  ) -> ToolValue? {
    for _ in 0..<Self.tries {
      let value = name(for: parameter, &random) ?? Self.value(for: parameter, &random)
      if takes(parameter, value) { return value }
    }
    return parameter.defaultValue
  }

  /// The name of a variable, for a text that may be meant to be one.
  private func name(
    for parameter: ParameterDescription, _ random: inout SeededRandom
  ) -> ToolValue? {
    guard parameter.type == .value(.string), !names.isEmpty else { return nil }
    let isLikely = ["variable", "name", "identifier", "key"].contains {
      parameter.name.contains($0)
    }
    guard isLikely ? !random.once(in: 4) : random.once(in: 8) else { return nil }
    return .value(.string(names[Int(random.next() % UInt64(names.count))]), .string)
  }

  private static func value(
    for parameter: ParameterDescription, _ random: inout SeededRandom
  ) -> ToolValue {
    let constraints = (try? JSON(parsing: parameter.constraintsJSON)) ?? .object([])
    switch parameter.type {
    case .object, .array, .any:
      var schema = (try? JSON(parsing: parameter.schemaJSON)) ?? .object([])
      if case .object(let members) = schema, parameter.type != .any, schema["type"] == nil {
        schema = .object(members + [.init(key: "type", value: .string(parameter.type.name))])
      }
      return .json(Array(SchemaValues(schema).value(&random).text.utf8), parameter.type)
    case .bytes: return .bytes((0..<random.next() % 32).map { _ in UInt8(random.next() & 0xFF) })
    case .value(.embedding):
      var count = Int(random.next() % 8) + 1
      if case .integer(let dimensions)? = constraints["dimensions"] {
        count = Int(clamping: dimensions)
      }
      var numbers = (0..<min(count, 1 << 20)).map { _ in
        Double.random(in: -1...1, using: &random)
      }
      if constraints["normalized"] == .boolean(true) {
        let length = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
        if length > 0 { numbers = numbers.map { $0 / length } }
      }
      return .value(.array(NumericArray(numbers)), .embedding)
    case .value(.tensor): return .value(.array(tensor(constraints, &random)), .tensor)
    case .value(let type):
      var members: [JSON.Member] = []
      let names = [
        ("min", "minimum"), ("max", "maximum"), ("min_length", "minLength"),
        ("max_length", "maxLength"), ("pattern", "pattern"), ("choices", "enum"), ("enum", "enum"),
        ("allowed_modules", "enum"),
      ]
      for (ours, theirs) in names {
        if let value = constraints[ours] { members.append(.init(key: theirs, value: value)) }
      }
      let name =
        switch type {
        case .float: "number"
        case .integer: "integer"
        case .boolean: "boolean"
        default: "string"
        }
      members.append(.init(key: "type", value: .string(name)))
      switch SchemaValues(.object(members)).value(&random) {
      case .integer(let number):
        return type == .float
          ? .value(.float(Double(number)), .float) : .value(.integer(number), type)
      case .number(let number): return .value(.float(number), type)
      case .boolean(let flag): return .value(.boolean(flag), type)
      case .string(let text):
        var text = text
        if type == .module, case .string(let space)? = constraints["namespace"] {
          text = "\(space).M"
        }
        return .value(.string(text), type)
      default: return .null
      }
    }
  }

  private static func tensor(
    _ constraints: JSON, _ random: inout SeededRandom
  ) -> NumericArray {
    var shape = (0..<random.next() % 3 + 1).map { _ in Int(random.next() % 4) + 1 }
    if case .array(let lengths)? = constraints["shape"] {
      shape = lengths.map { length in
        if case .integer(let count) = length, count >= 0 { return Int(count) }
        return Int(random.next() % 4) + 1
      }
    }
    var element = NumericArray.ElementType.float64
    if case .string(let name)? = constraints["dtype"],
      let type = NumericArray.ElementType(rawValue: name)
    {
      element = type
    }
    return array(shape, element, &random)
  }

  /// An array of small numbers.
  private static func array(
    _ shape: [Int], _ element: NumericArray.ElementType, _ random: inout SeededRandom
  ) -> NumericArray {
    let count = shape.reduce(1, *)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * element.width)
    for _ in 0..<count {
      let number = Int8(truncatingIfNeeded: random.next() % 100)
      switch element {
      case .float64: withUnsafeBytes(of: Double(number)) { bytes += $0 }
      case .float32: withUnsafeBytes(of: Float(number)) { bytes += $0 }
      case .bool: bytes.append(UInt8(number & 1))
      default:
        bytes.append(UInt8(bitPattern: number))
        bytes += [UInt8](repeating: 0, count: element.width - 1)
      }
    }
    return NumericArray(shape: shape, elementType: element, bytes: bytes)
  }

  // MARK: Extremes

  private static func extremes(
    of parameter: ParameterDescription, _ random: inout SeededRandom
  ) -> [(ToolValue, String)] {
    let constraints = (try? JSON(parsing: parameter.constraintsJSON)) ?? .object([])
    switch parameter.type {
    case .value(.float):
      var numbers: [(Double, String)] = [
        (0, "0"), (-0.0, "-0"), (.nan, "not a number"), (.infinity, "infinite"),
        (-.infinity, "below all numbers"), (.leastNonzeroMagnitude, "the least number above 0"),
        (.greatestFiniteMagnitude, "the greatest number"),
        (-.greatestFiniteMagnitude, "the lowest number"), (0x1p53 + 2, "above 2^53"),
      ]
      for key in ["min", "max"] {
        if case .number(let bound)? = constraints[key] { numbers.append((bound, "at its \(key)")) }
        if case .integer(let bound)? = constraints[key] {
          numbers.append((Double(bound), "at its \(key)"))
        }
      }
      return numbers.map { (.value(.float($0.0), .float), $0.1) }
    case .value(.integer):
      var numbers: [(Int64, String)] = [
        (0, "0"), (-1, "-1"), (.max, "the greatest integer"), (.min, "the lowest integer"),
        (Int64(Int32.max) + 1, "above 32 bits"), (Int64(Int32.min) - 1, "below 32 bits"),
      ]
      for key in ["min", "max"] {
        if case .integer(let bound)? = constraints[key] { numbers.append((bound, "at its \(key)")) }
      }
      return numbers.map { (.value(.integer($0.0), .integer), $0.1) }
    case .value(let type) where type.isText: return texts(type)
    case .value(.embedding):
      var all: [(ToolValue, String)] = NumericArray.ElementType.allCases.map { element in
        (.value(.array(array([3], element, &random)), .embedding), "of \(element.rawValue)")
      }
      all.append((.value(.array(NumericArray([])), .embedding), "empty"))
      all.append(
        (.value(.array(NumericArray([.nan, .infinity, -0.0])), .embedding), "not of numbers"))
      return all
    case .value(.tensor):
      var all: [(ToolValue, String)] = NumericArray.ElementType.allCases.map { element in
        (.value(.array(array([2, 2], element, &random)), .tensor), "of \(element.rawValue)")
      }
      for (shape, what) in [
        ([], "a scalar"), ([0], "empty"), ([2, 0, 3], "empty in one dimension"),
        ([Int](repeating: 1, count: 16), "of 16 dimensions"),
      ] {
        all.append((.value(.array(array(shape, .float64, &random)), .tensor), what))
      }
      return all
    case .bytes:
      let all: [(ToolValue, String)] = [
        (.bytes([]), "empty"), (.bytes([0]), "a zero byte"),
        (.bytes([0xC3, 0x28, 0xFF, 0xFE, 0xED, 0xA0, 0x80]), "invalid as UTF-8"),
      ]
      return all
    case .object, .array, .any: return json(parameter.type)
    default: return []
    }
  }

  private static func texts(_ type: ValueType) -> [(ToolValue, String)] {
    let all: [(ToolValue, String)] = [
      ("", "empty"), ("\0", "a zero byte"), ("a\0b", "a text with a zero byte"),
      (" ", "a space"), ("\n\r\t", "white space"), ("%s%n%d{}$(x)`;'\"<&", "special characters"),
      ("../../etc/passwd", "a path that leads up"),
      ("\u{202E}\u{FEFF}e\u{301}🏴‍☠️", "unusual Unicode"),
      (String(repeating: "é", count: 70_000), "a text of 140000 bytes"),
    ].map { (.value(.string($0.0), type), $0.1) }
    return all
  }

  private static func json(_ type: ToolType) -> [(ToolValue, String)] {
    let texts: [(String, String)] = [
      ("{}", "empty"), ("[]", "empty"), ("null", "null"), ("1e308", "a great number"),
      ("-9223372036854775808", "the lowest integer"), ("18446744073709551615", "2^64 - 1"),
      ("\"\\u0000\"", "a zero character"), ("{\"\":{\"\":[]}}", "of empty keys"),
      ("{\"a\":1,\"a\":2}", "of the same key twice"),
      (
        String(repeating: "[", count: 100) + String(repeating: "]", count: 100),
        "nested 100 deep"
      ),
      (
        String(repeating: "{\"a\":", count: 100) + "1" + String(repeating: "}", count: 100),
        "nested 100 deep"
      ),
    ]
    return texts.map { (.json(Array($0.0.utf8), type), $0.1) }
  }

  /// A value of 16 MiB; nil for types that have none.
  private static func large(for parameter: ParameterDescription) -> (ToolValue, String)? {
    let count = largeCount / 8
    let zeros = [UInt8](repeating: 0, count: largeCount)
    switch parameter.type {
    case .value(let type) where type.isText:
      return (.value(.string(String(repeating: "x", count: largeCount)), type), "a text of 16 MiB")
    case .value(.embedding), .value(.tensor):
      guard case .value(let type) = parameter.type else { return nil }
      let array = NumericArray(shape: [count], elementType: .float64, bytes: zeros)
      return (.value(.array(array), type), "of \(count) numbers")
    case .bytes: return (.bytes(zeros), "16 MiB")
    case .array:
      let text = "[\"" + String(repeating: "x", count: largeCount) + "\"]"
      return (.json(Array(text.utf8), .array), "16 MiB")
    case .object, .any:
      let text = "{\"a\":\"" + String(repeating: "x", count: largeCount) + "\"}"
      return (.json(Array(text.utf8), parameter.type), "16 MiB")
    default: return nil
    }
  }

  /// Values of all types, of which a parameter takes some.
  private static let anything: [(ToolValue, String)] = [
    (.null, "null"), (.value(.integer(7), .integer), "an integer"),
    (.value(.float(0.5), .float), "a float"), (.value(.boolean(true), .boolean), "a boolean"),
    (.value(.string("no such value"), .string), "a string"),
    (.value(.array(NumericArray([1, 2, 3])), .embedding), "an embedding"),
    (.value(.array(NumericArray([1, 2, 3, 4], shape: [2, 2])), .tensor), "a tensor"),
    (.json(Array("{\"no\":\"such\"}".utf8), .object), "an object"),
    (.json(Array("[true,null]".utf8), .array), "an array"), (.bytes([1, 2, 3]), "bytes"),
    (.value(.float(.nan), .float), "not a number"),
    (.value(.integer(.min), .integer), "the lowest integer"),
  ]
}
