internal import JSON

/// What a value must satisfy beyond its type: the content of `constraints_json`.
///
/// Members that the type does not know are kept in the text and not checked.
public struct Constraints: Sendable {
  var minimum: ExactNumber?
  var maximum: ExactNumber?
  var minimumLength: Int?
  var maximumLength: Int?
  var pattern: PCREPattern?
  var choices: [String]?
  var namespace: String?
  var dimensions: Int?
  var isNormalized = false
  /// nil stands for any length.
  var shape: [Int?]?
  var elementType: NumericArray.ElementType?

  /// Reads the constraints of a type.
  ///
  /// - Throws: `SessionError` for what is not a JSON object, members of the wrong type, patterns
  ///   that do not compile, and bounds that nothing can satisfy.
  public init(json text: String, for type: ValueType) throws {
    let object: JSON
    do {
      object = try JSON(parsing: text)
    } catch {
      throw SessionError(.invalidValue, "constraints are \(error)")
    }
    guard case .object = object else {
      throw SessionError(.invalidValue, "constraints must be a JSON object, got \(text)")
    }
    switch type {
    case .float, .integer: try readBounds(object)
    case .string:
      minimumLength = try Self.length(object, "min_length")
      maximumLength = try Self.length(object, "max_length")
      if let minimumLength, let maximumLength, minimumLength > maximumLength {
        throw SessionError(
          .invalidValue, "min_length \(minimumLength) is above max_length \(maximumLength)")
      }
      choices = try Self.strings(object, "enum")
      try readPattern(object)
    case .boolean: break
    case .choice: choices = try Self.strings(object, "choices")
    case .module:
      choices = try Self.strings(object, "choices") ?? Self.strings(object, "allowed_modules")
      namespace = try Self.string(object, "namespace")
      try readPattern(object)
    case .embedding:
      dimensions = try Self.length(object, "dimensions")
      try readBounds(object)
      if let value = object["normalized"] {
        guard case .boolean(let flag) = value else { throw Self.wrong("normalized", "a boolean") }
        isNormalized = flag
      }
    case .tensor: try readTensor(object)
    }
  }

  private mutating func readBounds(_ object: JSON) throws {
    minimum = try Self.bound(object, "min")
    maximum = try Self.bound(object, "max")
    if let minimum, let maximum, maximum < minimum {
      throw SessionError(.invalidValue, "min \(minimum.text) is above max \(maximum.text)")
    }
  }

  private mutating func readPattern(_ object: JSON) throws {
    pattern = try Self.string(object, "pattern").map { try PCREPattern($0) }
  }

  private mutating func readTensor(_ object: JSON) throws {
    if let value = object["shape"] {
      guard case .array(let lengths) = value else { throw Self.wrong("shape", "an array") }
      shape = try lengths.map { length in
        switch length {
        case .null, .integer(-1): nil
        case .integer(let length) where length >= 0: Int(length)
        default: throw Self.wrong("shape", "an array of lengths, -1 and null")
        }
      }
    }
    if let name = try Self.string(object, "dtype") {
      guard name.utf8.count <= 16, let type = NumericArray.ElementType(rawValue: name) else {
        throw SessionError(.invalidValue, "constraint dtype \"\(name)\" is not known")
      }
      elementType = type
    }
  }

  private static func wrong(_ key: String, _ expected: String) -> SessionError {
    SessionError(.invalidValue, "constraint \(key) must be \(expected)")
  }

  private static func bound(_ object: JSON, _ key: String) throws -> ExactNumber? {
    switch object[key] {
    case nil, .null: nil
    case .integer(let value): .integer(value)
    case .unsigned(let value): .unsigned(value)
    case .number(let value): .float(value)
    case .some: throw wrong(key, "a number")
    }
  }

  private static func length(_ object: JSON, _ key: String) throws -> Int? {
    switch object[key] {
    case nil, .null: nil
    case .integer(let value) where value >= 0: Int(value)
    case .some: throw wrong(key, "a whole number from 0 up")
    }
  }

  private static func string(_ object: JSON, _ key: String) throws -> String? {
    switch object[key] {
    case nil, .null: nil
    case .string(let value): value
    case .some: throw wrong(key, "a string")
    }
  }

  private static func strings(_ object: JSON, _ key: String) throws -> [String]? {
    guard let value = object[key], value != .null else { return nil }
    guard case .array(let elements) = value, !elements.isEmpty else {
      throw wrong(key, "an array of strings that is not empty")
    }
    return try elements.map { element in
      guard case .string(let text) = element else { throw wrong(key, "an array of strings") }
      return text
    }
  }
}

extension Constraints {
  /// About how many bytes they keep alive, beside the text they were read from.
  var byteCount: Int {
    var count = 256 + (pattern?.byteCount ?? 0)
    for choice in choices ?? [] {
      count += 16 + (choice.utf8.count > 15 ? choice.utf8.count + 32 : 0)
    }
    return count
  }
}
