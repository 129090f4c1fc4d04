internal import BridgeSessions
internal import JSON

/// JSON text as tools take and give it.
public enum CheckedJSON {
  /// Checks that a text is JSON of a kind.
  ///
  /// Field clients wrap objects and lists in a JSON string: such a string is opened.
  ///
  /// - Throws: `SessionError` with code `invalidValue`.
  public static func check(_ text: [UInt8], is type: ToolType) throws -> [UInt8] {
    try text.withUnsafeBytes { try open($0, as: type) } ?? text
  }

  /// The same for a text in other memory.
  ///
  /// - Returns: What the string holds, where it is one that wraps; nil where the text is good as it is.
  public static func open(_ text: UnsafeRawBufferPointer, as type: ToolType) throws -> [UInt8]? {
    let wrapped: String?
    do {
      wrapped = try JSON.read(text) { reader -> String? in
        switch (type, reader.kind) {
        case (.any, _), (.object, .object), (.array, .array): return nil
        case (.object, .string), (.array, .string): return reader.string()
        default:
          throw SessionError(
            .invalidValue, "expected a JSON \(type.name), got \(reader.value().text.prefix(80))")
        }
      }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, error.message)
    }
    guard let wrapped else { return nil }
    let inner = Array(wrapped.utf8)
    let kind = try? inner.withUnsafeBytes { try JSON.read($0) { $0.kind } }
    guard kind == (type == .object ? .object : .array) else {
      throw SessionError(.invalidValue, "expected a JSON \(type.name), got a string")
    }
    return inner
  }
}
