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
    case .embedding: self = .array(try NumericArray.embedding(reading: &reader))
    case .tensor: self = .array(try NumericArray.tensor(reading: &reader))
    }
  }

  /// Reads a value of a type from JSON text.
  ///
  /// For a float and in arrays the bare words NaN, Infinity and -Infinity are read too: Python's
  /// `json.dumps` writes them.
  public init(json text: [UInt8], as type: ValueType) throws {
    self = try text.withUnsafeBytes { try Value(json: $0, as: type) }
  }

  /// As the other `init`, from text in other memory.
  public init(json text: UnsafeRawBufferPointer, as type: ValueType) throws {
    if let value = Self.plain(text, as: type) {
      self = value
      return
    }
    if type == .float, let special = Self.bareSpecial(text) {
      self = .float(special)
      return
    }
    do {
      self = try JSON.read(text, takesBareFloats: type == .embedding || type == .tensor) {
        try Value(reading: &$0, as: type)
      }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, "\(type.rawValue) value is \(error.message)")
    }
  }

  /// Reads the plainest texts, short whole numbers and ASCII strings without escapes: most writes
  /// are of these, and a parser costs ten times as much.
  ///
  /// - Returns: nil for every other text, right or wrong.
  static func plain(_ text: UnsafeRawBufferPointer, as type: ValueType) -> Value? {
    switch type {
    case .integer, .float:
      // 15 digits are exact in a Double too. A leading zero or a sign is left to the parser.
      guard let first = text.first, text.count <= 15, first != UInt8(ascii: "0") else { return nil }
      var number: Int64 = 0
      for byte in text {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        number = number * 10 + Int64(byte - UInt8(ascii: "0"))
      }
      return type == .integer ? .integer(number) : .float(Double(number))
    case .string, .choice, .module:
      guard text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"")
      else { return nil }
      let content = UnsafeRawBufferPointer(rebasing: text[1..<(text.count - 1)])
      for byte in content
      where byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
      { return nil }
      return .string(String(decoding: content, as: UTF8.self))
    default: return nil
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

  private static func bareSpecial(_ text: UnsafeRawBufferPointer) -> Double? {
    guard let first = text.first,
      first == UInt8(ascii: "N") || first == UInt8(ascii: "I")
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
    // Above 2^53 a text with a point or exponent may stand for another number than its Double.
    if let number = lookAhead.number(), abs(number) < 0x1p53, let value = Int64(exactly: number) {
      reader = lookAhead
      return value
    }
    throw mismatch("a whole number within Int64, as a float below 2^53", &reader)
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
