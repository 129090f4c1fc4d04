public import JSON

extension Value {
  /// Reads a value of a type from its JSON.
  ///
  /// - Throws: `SessionError` with code `invalidValue`, saying what was expected and what came.
  public init(reading reader: inout JSONReader, as type: ValueType) throws {
    switch type {
    case .float: self = .float(try Self.float(&reader))
    case .integer: self = .integer(try Self.integer(&reader))
    case .boolean:
      guard let value = reader.boolean() else { throw Self.mismatch("true or false", &reader) }
      self = .boolean(value)
    case .string, .choice, .module:
      guard let value = reader.string() else { throw Self.mismatch("a string", &reader) }
      self = .string(value)
    case .embedding: self = .array(try NumericArray(readingEmbedding: &reader))
    case .tensor: self = .array(try NumericArray(readingTensor: &reader))
    }
  }

  /// Reads a value of a type from JSON text.
  ///
  /// For a float the bare words NaN, Infinity and -Infinity are read too: Python's `json.dumps`
  /// writes them.
  public init(json text: [UInt8], as type: ValueType) throws {
    if type == .float, let special = Self.bareSpecial(text) {
      self = .float(special)
      return
    }
    do {
      self = try text.withUnsafeBytes { bytes in
        try JSON.read(bytes) { try Value(reading: &$0, as: type) }
      }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, "\(type.rawValue) value is \(error.message)")
    }
  }

  /// Appends the value's JSON.
  public func write(to writer: inout JSONWriter, as type: ValueType) {
    switch self {
    case .float(let value): writer.write(value)
    case .integer(let value): writer.write(value)
    case .boolean(let value): writer.write(value)
    case .string(let value): writer.write(value)
    case .array(let array): array.write(to: &writer, isTensor: type == .tensor)
    }
  }

  /// The value's JSON text, as UTF-8.
  public func json(as type: ValueType) -> [UInt8] {
    var writer = JSONWriter()
    write(to: &writer, as: type)
    return writer.bytes
  }

  private static func float(_ reader: inout JSONReader) throws -> Double {
    if let number = number(&reader) { return number }
    throw mismatch("a number, \"NaN\", \"Infinity\" or \"-Infinity\"", &reader)
  }

  /// A number or one of the three strings that stand for special floats.
  static func number(_ reader: inout JSONReader) -> Double? {
    if let number = reader.number() { return number }
    guard reader.kind == .string else { return nil }
    var lookAhead = reader
    guard let special = lookAhead.string().flatMap({ special($0.utf8.elementsEqual) }) else {
      return nil
    }
    reader = lookAhead
    return special
  }

  private static func bareSpecial(_ text: [UInt8]) -> Double? {
    guard let first = text.first, first == UInt8(ascii: "N") || first == UInt8(ascii: "I")
      || first == UInt8(ascii: "-"), text.count <= 9
    else { return nil }
    return special(text.elementsEqual)
  }

  private static func special(_ isEqual: (String.UTF8View) -> Bool) -> Double? {
    if isEqual("NaN".utf8) { return .nan }
    if isEqual("Infinity".utf8) { return .infinity }
    if isEqual("-Infinity".utf8) { return -.infinity }
    return nil
  }

  private static func integer(_ reader: inout JSONReader) throws -> Int64 {
    if let value = reader.integer() { return value }
    var lookAhead = reader
    if let number = lookAhead.number(), let value = Int64(exactly: number) {
      reader = lookAhead
      return value
    }
    throw mismatch("a whole number within Int64", &reader)
  }

  static func mismatch(_ expected: String, _ reader: inout JSONReader) -> SessionError {
    SessionError(.invalidValue, "expected \(expected), got \(describe(&reader))")
  }

  /// The next value, short enough for an error message.
  private static func describe(_ reader: inout JSONReader) -> String {
    switch reader.kind {
    case .array: "an array of \(reader.childCount)"
    case .object: "an object of \(reader.childCount) members"
    default: String(reader.value().text.prefix(80))
    }
  }
}
