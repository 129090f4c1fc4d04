internal import JSON

/// Something that a test has found.
struct Finding: Sendable, Equatable {
  enum Kind: String, Sendable {
    case failure, warning, skip
  }

  var kind: Kind
  /// What is wrong, in a sentence without a full stop.
  var message: String
  /// The tool that it is about; empty for the plugin.
  var tool = ""
  /// Where in the plugin's code it is, from the object's beginning.
  var address: UInt64?
  /// How it is mended, where the test's own remedy is not the one.
  var remedy = ""
  /// What the test was run with when it failed, for `--replay`; empty where there is nothing.
  var replay = ""

  var json: JSON {
    .object([
      .init(key: "kind", value: .string(kind.rawValue)),
      .init(key: "message", value: .string(message)),
      .init(key: "tool", value: .string(tool)),
      .init(key: "address", value: address.map { .string(String($0)) } ?? .null),
      .init(key: "remedy", value: .string(remedy)),
      .init(key: "replay", value: .string(replay)),
    ])
  }

  init(_ kind: Kind, _ message: String, tool: String = "") {
    self.kind = kind
    self.message = message
    self.tool = tool
  }

  /// - Returns: nil where the JSON is none of a finding.
  init?(_ json: JSON) {
    guard case .string(let kindName)? = json["kind"], let kind = Kind(rawValue: kindName),
      case .string(let message)? = json["message"], case .string(let tool)? = json["tool"],
      case .string(let remedy)? = json["remedy"], case .string(let replay)? = json["replay"]
    else { return nil }
    self.init(kind, message, tool: tool)
    self.remedy = remedy
    self.replay = replay
    if case .string(let text)? = json["address"] { address = UInt64(text) }
  }
}
