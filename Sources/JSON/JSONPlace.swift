/// Where a value stands in a JSON text: the keys and indexes that lead to it, and the line.
///
/// For messages about files that people write: values know nothing of their text, so it is read once more.
public struct JSONPlace: Sendable, Hashable, CustomStringConvertible {
  /// One step from an object or an array to what is in it.
  public enum Step: Sendable, Hashable {
    case key(String)
    case index(Int)
  }

  /// From the outermost value; none for that itself.
  public var steps: [Step]

  /// The place that some steps lead to.
  public init(_ steps: [Step] = []) { self.steps = steps }

  /// As in `tools[2].returns.type`.
  public var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .index(let index): text += "[\(index)]"
      case .key(let key): text += text.isEmpty ? key : ".\(key)"
      }
    }
    return text
  }

  /// The line, from 1, on which the value begins, or its key if it has one.
  ///
  /// - Returns: Where the steps lead nowhere, the line of the last value that they lead to.
  public func line(in text: [UInt8]) -> Int {
    var scanner = JSONScanner(text, lookingFor: steps)
    _ = scanner.scan()
    return JSONScanner.line(of: scanner.found, in: text)
  }

  /// The line, from 1, of the first byte that JSON does not have there.
  ///
  /// - Returns: nil when the text is well-formed, though values in it may be too large to be read.
  public static func lineOfFault(in text: [UInt8]) -> Int? {
    var scanner = JSONScanner(text, lookingFor: [])
    return scanner.scan() ? nil : JSONScanner.line(of: scanner.position, in: text)
  }
}

/// Passes over a JSON text, byte by byte (RFC 8259).
private struct JSONScanner {
  private let text: [UInt8]
  private let steps: [JSONPlace.Step]
  /// Where it is; after a fault, there.
  private(set) var position = 0
  /// Where the value begins that most of the steps lead to.
  private(set) var found = 0
  private var stepsFound = -1

  init(_ text: [UInt8], lookingFor steps: [JSONPlace.Step]) {
    self.text = text
    self.steps = steps
  }

  static func line(of position: Int, in text: [UInt8]) -> Int {
    1 + text.prefix(position).count { $0 == UInt8(ascii: "\n") }
  }

  /// - Returns: Whether the text is JSON.
  mutating func scan() -> Bool {
    skipSpace()
    note(0, at: position)
    guard value(taken: 0, depth: 0) else { return false }
    skipSpace()
    return position == text.count
  }

  private var next: UInt8? { position < text.count ? text[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let next, [0x20, 0x09, 0x0a, 0x0d].contains(next) { position += 1 }
  }

  /// The first so many steps lead to the value that begins here; the first way there counts.
  private mutating func note(_ count: Int, at start: Int) {
    guard count > stepsFound else { return }
    stepsFound = count
    found = start
  }

  /// - Parameter taken: How many steps lead to this value; nil when it is on another way.
  private mutating func value(taken: Int?, depth: Int) -> Bool {
    guard depth <= JSON.depthLimit else { return false }
    switch next {
    case UInt8(ascii: "{"): return object(taken, depth)
    case UInt8(ascii: "["): return array(taken, depth)
    case UInt8(ascii: "\""): return string()
    case UInt8(ascii: "t"): return word("true")
    case UInt8(ascii: "f"): return word("false")
    case UInt8(ascii: "n"): return word("null")
    default: return number()
    }
  }

  /// How many steps lead to a member or an element.
  private func steps(_ taken: Int?, then step: JSONPlace.Step) -> Int? {
    guard let taken, taken < steps.count, steps[taken] == step else { return nil }
    return taken + 1
  }

  private mutating func object(_ taken: Int?, _ depth: Int) -> Bool {
    position += 1
    skipSpace()
    if take(UInt8(ascii: "}")) { return true }
    while true {
      let start = position
      guard string() else { return false }
      let step = steps(taken, then: .key(key(text[start..<position])))
      if let step { note(step, at: start) }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { return false }
      skipSpace()
      guard value(taken: step, depth: depth + 1) else { return false }
      skipSpace()
      if take(UInt8(ascii: "}")) { return true }
      guard take(UInt8(ascii: ",")) else { return false }
      skipSpace()
    }
  }

  private mutating func array(_ taken: Int?, _ depth: Int) -> Bool {
    position += 1
    skipSpace()
    if take(UInt8(ascii: "]")) { return true }
    var index = 0
    while true {
      let step = steps(taken, then: .index(index))
      if let step { note(step, at: position) }
      guard value(taken: step, depth: depth + 1) else { return false }
      index += 1
      skipSpace()
      if take(UInt8(ascii: "]")) { return true }
      guard take(UInt8(ascii: ",")) else { return false }
      skipSpace()
    }
  }

  /// What a key says, from its text with the quotes.
  private func key(_ quoted: ArraySlice<UInt8>) -> String {
    if quoted.contains(UInt8(ascii: "\\")),
      case .string(let key)? = try? JSON(parsing: Array(quoted))
    {
      return key
    }
    return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
  }

  private mutating func string() -> Bool {
    guard take(UInt8(ascii: "\"")) else { return false }
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return true
      case UInt8(ascii: "\\"):
        position += 1
        guard escape() else { return false }
      case 0..<0x20: return false
      default: position += 1
      }
    }
    return false
  }

  private mutating func escape() -> Bool {
    guard let byte = next else { return false }
    if byte != UInt8(ascii: "u") {
      guard "\"\\/bfnrt".utf8.contains(byte) else { return false }
      position += 1
      return true
    }
    position += 1
    for _ in 0..<4 {
      guard let next, Character(Unicode.Scalar(next)).isHexDigit else { return false }
      position += 1
    }
    return true
  }

  private mutating func word(_ word: StaticString) -> Bool {
    word.withUTF8Buffer { word in word.allSatisfy { take($0) } }
  }

  private mutating func number() -> Bool {
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { guard digits() else { return false } }
    if take(UInt8(ascii: ".")) { guard digits() else { return false } }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
      return digits()
    }
    return true
  }

  /// One digit at least.
  private mutating func digits() -> Bool {
    let start = position
    while let next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) { position += 1 }
    return position > start
  }
}
