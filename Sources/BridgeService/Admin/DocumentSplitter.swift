internal import BridgeSessions

/// Splits a JSON object that comes in pieces into its members, and one member's array into its elements.
///
/// It looks at brackets, strings and commas alone: each part is then parsed by itself, so that neither
/// the whole text nor its tree is ever held. A pure state machine.
struct DocumentSplitter {
  /// What the splitter has found.
  enum Part: Equatable {
    /// A member of the object, with the text of its value.
    case member(key: [UInt8], value: [UInt8])
    /// An element of the array that is split.
    case element([UInt8])
  }

  private enum State {
    /// Before the object.
    case start
    /// Before a key, or the end of the object where `mayEnd`.
    case key(mayEnd: Bool)
    case inKey
    case colon
    case value
    case inValue
    /// After a value.
    case comma
    /// In the array that is split, before an element, or its end where `mayEnd`.
    case element(mayEnd: Bool)
    case inElement
    case elementComma
    case end
  }

  /// The member whose array is split.
  private let splitKey: [UInt8]
  /// Bytes of one part, and brackets and commas in it: a tree takes memory for each.
  private let partLimit: Int
  private let nodeLimit: Int

  private var state = State.start
  private var key: [UInt8] = []
  private var part: [UInt8] = []
  private var depth = 0
  private var nodes = 0
  private var isInString = false
  private var isEscaped = false
  /// The member that is split has come.
  private(set) var hasSplit = false

  init(splitting key: String, partLimit: Int, nodeLimit: Int = 1 << 20) {
    splitKey = Array(key.utf8)
    self.partLimit = partLimit
    self.nodeLimit = nodeLimit
  }

  /// Bytes that are held until their part is complete.
  var heldBytes: Int { part.count + key.count }

  /// Takes more of the text, and hands over each part that is complete.
  ///
  /// - Throws: `SessionError` with code `invalidArgument` for what is no such object, `limitReached`
  ///   for a part that is too large; and what `found` throws.
  mutating func add(_ text: some Sequence<UInt8>, _ found: (Part) throws -> Void) throws {
    for byte in text { try add(byte, found) }
  }

  /// The text is over.
  ///
  /// - Throws: `SessionError` with code `invalidArgument` when it is not complete.
  func finish() throws {
    guard case .end = state else { throw Self.malformed("it is not complete") }
  }

  private mutating func add(_ byte: UInt8, _ found: (Part) throws -> Void) throws {
    switch state {
    case .inKey:
      try take(byte)
      if endsString(byte) { state = .colon }
    case .inValue, .inElement:
      try addToPart(byte, found)
    default:
      if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { return }
      try addBetweenParts(byte, found)
    }
  }

  private mutating func addBetweenParts(_ byte: UInt8, _ found: (Part) throws -> Void) throws {
    switch (state, byte) {
    case (.start, UInt8(ascii: "{")): state = .key(mayEnd: true)
    case (.key, UInt8(ascii: "\"")):
      try take(byte)
      isInString = true
      state = .inKey
    case (.key(mayEnd: true), UInt8(ascii: "}")), (.comma, UInt8(ascii: "}")): state = .end
    case (.colon, UInt8(ascii: ":")):
      key = part
      part = []
      state = .value
    case (.value, UInt8(ascii: "[")) where isSplit:
      guard !hasSplit else { throw Self.malformed("it has the same member twice") }
      hasSplit = true
      state = .element(mayEnd: true)
    case (.value, _): try beginPart(byte, .inValue, found)
    case (.comma, UInt8(ascii: ",")): state = .key(mayEnd: false)
    case (.element(mayEnd: true), UInt8(ascii: "]")), (.elementComma, UInt8(ascii: "]")):
      key = []
      state = .comma
    case (.element, _): try beginPart(byte, .inElement, found)
    case (.elementComma, UInt8(ascii: ",")): state = .element(mayEnd: false)
    default: throw Self.malformed("'\(Character(Unicode.Scalar(byte)))' stands where it may not")
    }
  }

  private var isSplit: Bool { key.dropFirst().dropLast().elementsEqual(splitKey) }

  private mutating func beginPart(
    _ byte: UInt8, _ next: State, _ found: (Part) throws -> Void
  ) throws {
    (depth, nodes, isInString) = (0, 0, false)
    state = next
    try addToPart(byte, found)
  }

  /// One more byte of a value. Numbers and words have no end of their own: the byte after them ends
  /// them.
  private mutating func addToPart(_ byte: UInt8, _ found: (Part) throws -> Void) throws {
    if isInString {
      try take(byte)
      if endsString(byte) && depth == 0 { try endPart(found) }
      return
    }
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      try take(byte)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      depth += 1
      try countNode()
      try take(byte)
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      if depth == 0 { return try endPart(byte, found) }
      depth -= 1
      try take(byte)
      if depth == 0 { try endPart(found) }
    case UInt8(ascii: ","):
      if depth == 0 { return try endPart(byte, found) }
      try countNode()
      try take(byte)
    default: try take(byte)
    }
  }

  private mutating func endPart(_ found: (Part) throws -> Void) throws {
    let text = part
    part = []
    if case .inElement = state {
      state = .elementComma
      try found(.element(text))
    } else {
      state = .comma
      let name = Array(key.dropFirst().dropLast())
      key = []
      try found(.member(key: name, value: text))
    }
  }

  /// The part ended before this byte.
  private mutating func endPart(_ byte: UInt8, _ found: (Part) throws -> Void) throws {
    guard !part.isEmpty else { throw Self.malformed("a value is missing") }
    try endPart(found)
    try addBetweenParts(byte, found)
  }

  /// Whether the byte ends the string it is in.
  private mutating func endsString(_ byte: UInt8) -> Bool {
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      isInString = false
      return true
    }
    return false
  }

  private mutating func countNode() throws {
    nodes += 1
    guard nodes <= nodeLimit else {
      throw SessionError(
        .limitReached, "a part of the session has more than \(nodeLimit) members and elements")
    }
  }

  private mutating func take(_ byte: UInt8) throws {
    guard part.count < partLimit else {
      throw SessionError(.limitReached, "a part of the session is longer than \(partLimit) bytes")
    }
    part.append(byte)
  }

  private static func malformed(_ what: String) -> SessionError {
    SessionError(.invalidArgument, "the session is malformed JSON: \(what)")
  }
}
