/// What clients note with a session, a variable or a write: texts by name, each name once, in no order.
///
/// Names are the same when their bytes are: a client's map may have keys that Unicode takes for equal.
///
/// There are few as a rule, and every write brings some: a short array is made, read and freed
/// several times faster than a dictionary, and takes half the memory.
public struct VariableMetadata: Sendable {
  /// A name and what is noted under it.
  public typealias Entry = (key: String, value: String)

  /// Each name once.
  public private(set) var entries: [Entry]

  /// Up to this many entries are compared with each other; more are hashed.
  private static let comparedCount = 16

  /// No entries.
  public init() { entries = [] }

  /// The entries of a dictionary.
  public init(_ dictionary: [String: String]) {
    entries = dictionary.isEmpty ? [] : dictionary.map { ($0.key, $0.value) }
  }

  /// - Parameter entries: In the order they were sent: of two with one name the later counts.
  public init(lastOf entries: consuming [Entry]) {
    switch entries.count {
    case ...1:
      self.init()
      self.entries = entries
    case ...Self.comparedCount:
      self.init()
      self.entries.reserveCapacity(entries.count)
      for entry in entries { self[entry.key] = entry.value }
    default:
      self.init()
      self.entries.reserveCapacity(entries.count)
      var places: [KeyBytes: Int] = [:]
      for entry in entries {
        if let place = places.updateValue(self.entries.count, forKey: KeyBytes(text: entry.key)) {
          places[KeyBytes(text: entry.key)] = place
          self.entries[place].value = entry.value
        } else {
          self.entries.append(entry)
        }
      }
    }
  }

  /// Whether there are no entries.
  public var isEmpty: Bool { entries.isEmpty }

  /// Looks at one entry after the other.
  public subscript(key: String) -> String? {
    get {
      for entry in entries where Self.isSame(entry.key, key) { return entry.value }
      return nil
    }
    set {
      let index = entries.firstIndex { Self.isSame($0.key, key) }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (nil, let value?): entries.append((key, value))
      case (let index?, nil): entries.remove(at: index)
      case (nil, nil): break
      }
    }
  }

  /// By the bytes of their keys.
  package var sorted: [Entry] {
    entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }

  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
  }

  /// A key that is hashed and compared by its bytes.
  private struct KeyBytes: Hashable {
    let text: String

    static func == (left: KeyBytes, right: KeyBytes) -> Bool { isSame(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
      var text = text
      text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }

  /// This, and of another what has names this does not have.
  public func merging(under other: VariableMetadata) -> VariableMetadata {
    if isEmpty { return other }
    if other.isEmpty { return self }
    return VariableMetadata(lastOf: other.entries + entries)
  }

  /// About how many bytes it keeps alive.
  var size: Int {
    if entries.isEmpty { return 0 }
    var size = 32
    for entry in entries { size += entry.key.utf8.count + entry.value.utf8.count + 32 }
    return size
  }
}

extension VariableMetadata: Equatable {
  /// Whether both have the same entries, byte for byte.
  public static func == (left: VariableMetadata, right: VariableMetadata) -> Bool {
    left.entries.count == right.entries.count
      && zip(left.sorted, right.sorted).allSatisfy {
        isSame($0.key, $1.key) && isSame($0.value, $1.value)
      }
  }
}

extension VariableMetadata: ExpressibleByDictionaryLiteral {
  /// Of two entries with one name the later counts.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(lastOf: elements.map { (key: $0.0, value: $0.1) })
  }
}
