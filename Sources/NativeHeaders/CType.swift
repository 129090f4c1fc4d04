/// A type of C, as far as manifests tell types apart, for a machine with 8 bytes a pointer.
indirect enum CType: Equatable, Sendable {
  case void
  case boolean
  /// A character, whose sign is nobody's.
  case character
  case integer(bytes: Int, isSigned: Bool)
  case size
  case float
  case double
  /// A struct, by its name in `HeaderDeclarations`.
  case structure(String)
  case pointer(CType, isConstant: Bool)
  case array(CType, count: Int)
  case function
  /// What no manifest can say, in C's words.
  case other(String)

  /// As manifests write a number; nil for what is none.
  var scalar: String? {
    switch self {
    case .boolean: "bool"
    case .character: "int8"
    case .integer(let bytes, let isSigned): "\(isSigned ? "" : "u")int\(bytes * 8)"
    case .size: "size_t"
    case .float: "float"
    case .double: "double"
    default: nil
    }
  }

  /// Whether it can say how many elements there are.
  var isWhole: Bool {
    switch self {
    case .integer, .size: true
    default: false
    }
  }

  /// Whether memory of it is bytes for its users.
  var isByte: Bool {
    switch self {
    case .void, .character, .integer(1, _): true
    default: false
    }
  }
}

/// Reads types as C writes them.
struct CTypeReader {
  /// What names stand for.
  let aliases: [String: String]
  /// Structs that names stand for, which have no name of their own.
  let structs: [String: String]

  private static let qualifiers: Set<String> = [
    "const", "volatile", "restrict", "__restrict", "_Nonnull", "_Nullable", "_Null_unspecified",
  ]

  private static let numbers: [String: CType] = [
    "void": .void, "_Bool": .boolean, "bool": .boolean, "char": .character,
    "signed char": .integer(bytes: 1, isSigned: true),
    "unsigned char": .integer(bytes: 1, isSigned: false),
    "short": .integer(bytes: 2, isSigned: true),
    "unsigned short": .integer(bytes: 2, isSigned: false),
    "int": .integer(bytes: 4, isSigned: true),
    "unsigned int": .integer(bytes: 4, isSigned: false),
    "long": .integer(bytes: 8, isSigned: true),
    "unsigned long": .integer(bytes: 8, isSigned: false),
    "long long": .integer(bytes: 8, isSigned: true),
    "unsigned long long": .integer(bytes: 8, isSigned: false),
    "float": .float, "double": .double,
  ]

  func type(_ text: String) -> CType { type(text, depth: 0).type }

  private func type(_ text: String, depth: Int) -> (type: CType, isConstant: Bool) {
    // No name stands for one that stands for another so often.
    guard depth < 64 else { return (.other(text), false) }
    var words = text[...]
    func trim() {
      while words.last == " " { words.removeLast() }
      while words.first == " " { words.removeFirst() }
    }
    trim()
    if words.contains("(") {
      // The innermost parentheses that begin with a star name a pointer to a function.
      let isPointer = words.contains("(*")
      return (isPointer ? .pointer(.function, isConstant: false) : .function, false)
    }
    if words.last == "]", let start = words.firstIndex(of: "[") {
      let count = Int(words[words.index(after: start)...].prefix { $0 != "]" })
      let element = type(String(words[..<start]), depth: depth + 1)
      guard let count, count > 0, words[start...].count(where: { $0 == "[" }) == 1 else {
        return (.other(text), false)
      }
      return (.array(element.type, count: count), element.isConstant)
    }
    var isConstant = false
    // Behind a star qualifiers are the pointer's own.
    while let last = words.split(whereSeparator: { " *".contains($0) }).last.map(String.init),
      words.hasSuffix(last), Self.qualifiers.contains(last), words.count > last.count
    {
      words.removeLast(last.count)
      if last == "const" { isConstant = true }
      trim()
    }
    if words.last == "*" {
      let target = type(String(words.dropLast()), depth: depth + 1)
      return (.pointer(target.type, isConstant: target.isConstant), isConstant)
    }
    var base: [String] = []
    for word in words.split(separator: " ").map(String.init) {
      if word == "const" { isConstant = true }
      if !Self.qualifiers.contains(word) { base.append(word) }
    }
    let name = base.joined(separator: " ")
    if name == "size_t" { return (.size, isConstant) }
    if let number = Self.numbers[name] { return (number, isConstant) }
    if base.first == "enum" { return (.integer(bytes: 4, isSigned: true), isConstant) }
    if base.first == "struct", base.count == 2 { return (.structure(base[1]), isConstant) }
    if let structure = structs[name] { return (.structure(structure), isConstant) }
    if let alias = aliases[name], alias != name {
      let meant = type(alias, depth: depth + 1)
      return (meant.type, isConstant || meant.isConstant)
    }
    return (.other(text), isConstant)
  }
}
