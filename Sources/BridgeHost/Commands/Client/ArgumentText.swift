internal import JSON

/// What somebody typed as a value, as the JSON of a type that is known.
enum ArgumentText {
  /// - Parameter type: Of a variable or a parameter; another takes JSON as JSON, and the rest as text.
  static func json(_ text: String, as type: String) -> String {
    switch type {
    case "string", "choice", "module": JSON.string(text).text
    case "float" where ["NaN", "Infinity", "-Infinity"].contains(text): JSON.string(text).text
    case "float", "integer", "boolean", "embedding", "tensor", "object", "array": text
    default: guess(text)
    }
  }

  /// For a type that is not known.
  static func guess(_ text: String) -> String {
    (try? JSON(parsing: text)) == nil ? JSON.string(text).text : text
  }
}
