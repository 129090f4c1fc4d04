internal import CSimdjson

/// A JSON value (RFC 8259).
public enum JSON: Sendable, Hashable {
  case null
  case boolean(Bool)
  /// A whole number within Int64, written without fraction or exponent.
  case integer(Int64)
  /// A whole number above `Int64.max` and within UInt64.
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSON])
  /// Members in the order of the text. Where a key repeats, `subscript` finds the last.
  case object([Member])

  /// A key with its value.
  public struct Member: Sendable, Hashable {
    /// As it is after its escapes were read.
    public var key: String
    /// Of the key.
    public var value: JSON

    /// Joins a key and a value.
    public init(key: String, value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// Arrays and objects nested deeper than this are refused.
  public static let depthLimit = 128

  /// Parses a text and hands a cursor on it to `body`.
  ///
  /// - Parameter takesBareFloats: Read the bare words NaN, Infinity and -Infinity as the strings
  ///   "NaN", "Infinity" and "-Infinity".
  /// - Throws: `JSONError` when the text is not JSON, is nested too deeply, or what `body` throws.
  public static func read<Result>(
    _ text: UnsafeRawBufferPointer, takesBareFloats: Bool = false,
    _ body: (inout JSONReader) throws -> Result
  ) throws -> Result {
    var nodes: UnsafePointer<sj_node>?
    var count = 0
    var message: UnsafePointer<CChar>?
    let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let result = sj_parse(bytes, text.count, depthLimit, &nodes, &count, &message)
    switch result {
    case SJ_OK: break
    case SJ_TOO_DEEP: throw JSONError("JSON nested deeper than \(depthLimit) levels")
    case SJ_NUMBER_OUT_OF_RANGE:
      if let rewritten = withLargeIntegersAsFloats(text) {
        return try rewritten.withUnsafeBytes { try read($0, body) }
      }
      throw JSONError("a JSON number that is malformed or out of range: \(excerpt(of: text))")
    case SJ_NO_MEMORY: throw JSONError("JSON of \(text.count) bytes, for which there is no memory")
    default:
      if takesBareFloats, let rewritten = withBareFloatsAsStrings(text) {
        return try rewritten.withUnsafeBytes { try read($0, body) }
      }
      throw JSONError(
        text.isEmpty ? "no JSON but an empty text" : "malformed JSON: \(excerpt(of: text))")
    }
    var reader = JSONReader(nodes!, count: count)
    return try body(&reader)
  }

  /// Parses a text into a tree.
  public init(parsing text: String) throws {
    var text = text
    self = try text.withUTF8 { try Self.read(UnsafeRawBufferPointer($0)) { $0.value() } }
  }

  /// Parses a text in UTF-8 into a tree.
  ///
  /// - Throws: `JSONError`.
  public init(parsing bytes: [UInt8]) throws {
    self = try bytes.withUnsafeBytes { try Self.read($0) { $0.value() } }
  }

  /// The beginning of a text, for an error message.
  private static func excerpt(of text: UnsafeRawBufferPointer) -> String {
    let limit = 60
    let start = String(decoding: text.prefix(limit), as: UTF8.self)
    return text.count > limit ? "\(start)…" : start
  }

  /// The member of an object; nil when there is none, or this is no object.
  public subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    // By bytes: texts are compared in time that grows with the square of the length of some.
    return members.last {
      $0.key.utf8.count == key.utf8.count && $0.key.utf8.elementsEqual(key.utf8)
    }?
    .value
  }

  /// The text of this value, without white space.
  public var text: String {
    var writer = JSONWriter()
    writer.write(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
