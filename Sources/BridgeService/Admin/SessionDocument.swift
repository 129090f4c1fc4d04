internal import BridgeSessions
internal import GRPC
internal import JSON

/// A session as one JSON text: what ExportSession writes (`SessionDocumentWriter`) and ImportSession reads
/// (`SessionDocumentReader`).
///
/// Values are JSON where they have a readable form; the elements of numeric values and attached
/// bytes are base64.
enum SessionDocument {
  static let format = "bridge-host session"
  static let version: Int64 = 1

  /// The session of a whole text.
  ///
  /// - Throws: `SessionError` with code `invalidArgument` for what is not such a text.
  static func decode(_ text: [UInt8]) throws -> SessionImage {
    var reader = SessionDocumentReader(limit: .max)
    try reader.add(text)
    return try reader.finish()
  }

  /// - Parameter header: An object with all members but `variables`.
  static func session(_ header: JSON, _ variables: [VariableImage]) throws -> SessionImage {
    let document = Fields(header, "session")
    guard try document.string("format") == format else {
      throw SessionError(.invalidArgument, "the text is not an exported session")
    }
    guard try document.integer("format_version") == version else {
      throw SessionError(
        .invalidArgument,
        "the text has format version \(try document.integer("format_version")), this host reads "
          + "\(version)")
    }
    var image = SessionImage(
      id: try document.string("id"), epoch: Session.makeEpoch(),
      metadata: try document.metadata("metadata"), createdAt: try document.integer("created_at"),
      timeToLive: try document.small("time_to_live"), revision: try document.integer("revision"),
      lastOrdinal: Int32(try document.small("last_ordinal")))
    image.variables = variables
    image.dependencies = try document.array("dependencies").map { edge in
      let edge = Fields(edge, "dependency")
      return DependencyImage(
        source: try edge.string("source"), dependent: try edge.string("dependent"),
        type: try edge.string("type"))
    }
    return image
  }

  /// One element of `variables`.
  static func variable(_ json: JSON) throws -> VariableImage {
    let fields = Fields(json, "variable")
    let name = try fields.string("type")
    guard let type = ValueType(name: name) else {
      throw SessionError(.invalidArgument, "unknown variable type \"\(name)\"")
    }
    return VariableImage(
      name: try fields.string("name"), type: type, ordinal: Int32(try fields.small("ordinal")),
      constraints: try fields.string("constraints"),
      accessControl: try fields.string("access_control"),
      metadata: try fields.metadata("metadata"), staleSince: try fields.integer("stale_since"),
      versions: try fields.array("versions").map { try version($0, as: type) })
  }

  private static func version(_ json: JSON, as type: ValueType) throws -> VersionImage {
    let fields = Fields(json, "version")
    let source = try fields.string("source")
    guard let source = Variable.Source(name: source) else {
      throw SessionError(.invalidArgument, "unknown source \"\(source)\"")
    }
    var writer = JSONWriter()
    writer.write(try fields.value("value"))
    let parts = PayloadParts(
      json: writer.bytes, elements: try fields.bytes("elements"),
      attachment: try fields.bytes("attachment") ?? [], form: try fields.integer("form"))
    return VersionImage(
      version: Int32(try fields.small("version")), revision: try fields.integer("revision"),
      updatedAt: try fields.integer("updated_at"), source: source,
      metadata: try fields.metadata("metadata"), payload: try parts.payload(as: type))
  }
}

/// The members of an object that must be there.
private struct Fields {
  private let json: JSON
  private let what: String

  init(_ json: JSON, _ what: String) {
    self.json = json
    self.what = what
  }

  func value(_ key: String) throws -> JSON {
    guard let value = json[key] else {
      throw SessionError(.invalidArgument, "a \(what) has no \"\(key)\"")
    }
    return value
  }

  func string(_ key: String) throws -> String {
    guard case .string(let text) = try value(key) else { throw wrong(key, "a string") }
    return text
  }

  func integer(_ key: String) throws -> Int64 {
    guard case .integer(let number) = try value(key) else { throw wrong(key, "a whole number") }
    return number
  }

  /// A number from 0 up that fits into an Int32.
  func small(_ key: String) throws -> Int {
    let number = try integer(key)
    guard (0...Int64(Int32.max)).contains(number) else { throw wrong(key, "from 0 to 2147483647") }
    return Int(number)
  }

  func array(_ key: String) throws -> [JSON] {
    guard case .array(let elements) = try value(key) else { throw wrong(key, "an array") }
    return elements
  }

  func metadata(_ key: String) throws -> VariableMetadata {
    try MetadataText.metadata(try value(key))
  }

  func bytes(_ key: String) throws -> [UInt8]? {
    guard json[key] != nil else { return nil }
    guard let bytes = Base64.decode(try string(key).utf8) else { throw wrong(key, "base64") }
    return bytes
  }

  private func wrong(_ key: String, _ expected: String) -> SessionError {
    SessionError(.invalidArgument, "\"\(key)\" of a \(what) must be \(expected)")
  }
}
