package import BridgeSessions
internal import Glibc

/// What the type URL of an `Any` says about its bytes.
///
/// Clients of the field write several families of URLs, with or without a leading path; all are
/// read. The declared type of a variable or parameter decides what the value must be; the URL
/// decides how its bytes are read.
package struct TypeURL: Sendable {
  /// What the bytes of the `Any` are.
  package enum Content: Sendable, Equatable {
    /// JSON text.
    case json
    /// JSON metadata of bytes that travel beside the `Any`.
    case binary
    /// A packed google.protobuf wrapper message; bytes that are none are taken as JSON.
    case wrapper(Wrapper)
  }

  /// A message of google/protobuf/wrappers.proto, by its name.
  package enum Wrapper: String, Sendable {
    case double = "DoubleValue"
    case float = "FloatValue"
    case int32 = "Int32Value"
    case int64 = "Int64Value"
    case uint32 = "UInt32Value"
    case uint64 = "UInt64Value"
    case bool = "BoolValue"
    case string = "StringValue"
    case bytes = "BytesValue"
  }

  /// What the bytes of the `Any` are.
  package let content: Content
  /// The type the URL names, when it names one of the eight.
  package let type: ValueType?
  /// How to answer whoever wrote this URL.
  package let form: WireForm

  /// - Returns: nil for a URL of no family.
  package init?(_ url: String) {
    // Some longer ones would take long to compare.
    guard url.utf8.count <= 1024 else { return nil }
    for type in ValueType.allCases where url == Self.usual(type) {
      self.init(.json, type, [])
      return
    }
    var name = url[...]
    if let slash = url.utf8.lastIndex(of: UInt8(ascii: "/")) {
      name = url[url.utf8.index(after: slash)...]
    }
    var form: WireForm = []
    // Clients in Python give numbers to tools of Elixir so: it is JSON, not a packed message.
    if name == "google.protobuf.Value" {
      self.init(.json, nil, .inherited)
      return
    }
    if name.hasPrefix("google.protobuf.") {
      guard let wrapper = Wrapper(rawValue: String(name.dropFirst(16))) else { return nil }
      self.init(.wrapper(wrapper), nil, .inherited)
      return
    }
    if name.hasPrefix("snakepit.") {
      name = name.dropFirst(9)
      form.insert(.snakepitURL)
    }
    if name.hasSuffix(".binary") {
      name = name.dropLast(7)
      form.insert(.binary)
      guard let type = ValueType(rawValue: String(name)) else { return nil }
      self.init(.binary, type, form)
      return
    }
    if let type = ValueType(rawValue: String(name)) {
      self.init(.json, type, form)
    } else if Self.otherJSON.contains(name) || url.isEmpty {
      self.init(.json, nil, form.isEmpty ? .inherited : form)
    } else {
      return nil
    }
  }

  /// Reads `dspex.variables/<type>`, which most clients write, without making a text of it.
  ///
  /// - Returns: nil for every other URL, right or wrong.
  init?(usual url: UnsafeRawBufferPointer) {
    guard let start = url.baseAddress else { return nil }
    for (type, text) in Self.usualTexts
    where text.count == url.count && memcmp(text, start, url.count) == 0 {
      self.init(.json, type, [])
      return
    }
    return nil
  }

  private static let usualTexts = ValueType.allCases.map { ($0, Array(usual($0).utf8)) }

  /// JSON that is none of the eight types: tool parameters and results.
  private static let otherJSON: Set<Substring> = [
    "json", "map", "list", "object", "array", "any", "null", "bytes",
  ]

  private init(_ content: Content, _ type: ValueType?, _ form: WireForm) {
    self.content = content
    self.type = type
    self.form = form
  }

  /// That of an `Any` without a URL, which is JSON.
  static var none: TypeURL? { TypeURL(.json, nil, .inherited) }

  /// `dspex.variables/<type>`, without making a string each time.
  static func usual(_ type: ValueType) -> String {
    switch type {
    case .float: "dspex.variables/float"
    case .integer: "dspex.variables/integer"
    case .string: "dspex.variables/string"
    case .boolean: "dspex.variables/boolean"
    case .choice: "dspex.variables/choice"
    case .module: "dspex.variables/module"
    case .embedding: "dspex.variables/embedding"
    case .tensor: "dspex.variables/tensor"
    }
  }

  /// The URL under which a value of a type is answered.
  package static func url(for type: ValueType, form: WireForm, binary: Bool) -> String {
    let base =
      form.contains(.snakepitURL)
      ? "type.googleapis.com/snakepit.\(type.rawValue)" : usual(type)
    return binary ? base + ".binary" : base
  }
}
