/// JSON text: how objects and arrays travel between host and tool.
///
/// The SDK writes JSON but does not read it; a tool that wants to look into an object brings the
/// parser it likes.
public struct JSONText: Sendable, Hashable, ToolValueConvertible {
  /// What the text is known to hold.
  public enum Kind: Sendable, Hashable {
    /// An object.
    case object
    /// An array.
    case array
    /// Any JSON value.
    case any

    var type: ValueType {
      switch self {
      case .object: .object
      case .array: .array
      case .any: .any
      }
    }
  }

  /// What the text is known to hold.
  public let kind: Kind
  /// The text.
  public let text: String

  /// Wraps text. It is not parsed here; the host refuses a result that is not what it says.
  public init(_ text: String, kind: Kind = .any) {
    self.kind = kind
    self.text = text
  }

  /// Writes an object with members in the order given.
  ///
  ///     .object(["words": 3, "unit": "metre", "at": .array([1, 2])])
  public static func object(
    _ members: KeyValuePairs<String, any ToolValueConvertible>
  ) -> JSONText {
    object(members: members)
  }

  /// Writes an object with members in the order of a sequence or dictionary.
  public static func object(
    members: some Sequence<(key: String, value: any ToolValueConvertible)>
  ) -> JSONText {
    var json = JSONWriter()
    json.list("{", "}", members) { json, member in
      json.string(member.key)
      json.text += ":"
      json.value(member.value.toolValue)
    }
    return JSONText(json.text, kind: .object)
  }

  /// Writes an array.
  public static func array(_ elements: [any ToolValueConvertible]) -> JSONText {
    var json = JSONWriter()
    json.list("[", "]", elements) { json, element in json.value(element.toolValue) }
    return JSONText(json.text, kind: .array)
  }

  /// Any JSON; `Parameter` takes a `kind` to narrow it.
  public static var valueType: ValueType { .any }
  /// `null`.
  public static var placeholder: JSONText { JSONText("null") }

  /// Reads an object, an array or anything that came as JSON.
  public init?(toolValue: ToolValue) {
    guard case .json(let json) = toolValue else { return nil }
    self = json
  }

  /// JSON of its kind.
  public var toolValue: ToolValue { .json(self) }
}
