internal import BridgeSessions
internal import JSON

/// Reads a session from the JSON text that `SessionDocument` describes, as its pieces come.
///
/// A variable becomes its image as soon as its text is complete; what is held is that and the text of one
/// variable.
struct SessionDocumentReader {
  private var splitter: DocumentSplitter
  private var members: [String: JSON] = [:]
  private var variables: [VariableImage] = []
  private var imageBytes = 0
  private let limit: Int

  /// Metadata and dependencies are small; what the tree of a part takes is many times its text.
  private static let memberLimit = 16 << 20

  /// - Parameter limit: Bytes that the session may take while it is read.
  init(limit: Int) {
    self.limit = limit
    splitter = DocumentSplitter(splitting: "variables", partLimit: limit)
  }

  /// About how many bytes are held.
  var heldBytes: Int { splitter.heldBytes + imageBytes }

  /// Takes more of the text.
  ///
  /// - Throws: `SessionError` with code `invalidArgument` for what is not such a text, `limitReached`.
  mutating func add(_ text: some Sequence<UInt8>) throws {
    // Two members of this struct: the closure must not hold all of it.
    var variables = variables
    var members = members
    var bytes = imageBytes
    self.variables = []
    defer {
      self.variables = variables
      self.members = members
      imageBytes = bytes
    }
    try splitter.add(text) { part in
      switch part {
      case .element(let text):
        // The image takes about as much as its text, or less.
        bytes += text.count
        variables.append(try SessionDocument.variable(Self.parse(text)))
      case .member(let key, let value):
        guard value.count <= Self.memberLimit else {
          throw SessionError(
            .limitReached,
            "a member of the session other than its variables is longer than \(Self.memberLimit) bytes"
          )
        }
        bytes += value.count
        guard
          case .string(let name) = try Self.parse([UInt8(ascii: "\"")] + key + [UInt8(ascii: "\"")])
        else { return }
        members[name] = try Self.parse(value)
      }
      guard bytes <= limit else {
        throw SessionError(.limitReached, "the session takes more than \(limit) bytes")
      }
    }
  }

  /// The session, with an epoch of its own.
  ///
  /// - Throws: `SessionError` with code `invalidArgument` for what is not such a text.
  consuming func finish() throws -> SessionImage {
    try splitter.finish()
    guard splitter.hasSplit else {
      throw SessionError(.invalidArgument, "a session has no \"variables\"")
    }
    let header = JSON.object(members.map { .init(key: $0.key, value: $0.value) })
    return try SessionDocument.session(header, variables)
  }

  private static func parse(_ text: [UInt8]) throws -> JSON {
    do {
      return try JSON(parsing: text)
    } catch {
      throw SessionError(.invalidArgument, "the session is \(error)")
    }
  }
}
