public import JSON

/// A first manifest for the functions of a header, for somebody to look over.
///
/// A header says less than a manifest: who frees memory, how long an array is, whether a pointer is read or written.
/// Where names and types leave little doubt, the draft says what is usual; where they do not, the function is left
/// out. Either is told in a sentence.
public struct ManifestDraft {
  /// The manifest.
  public private(set) var manifest: JSON = .null
  /// The names of the functions that became tools.
  public private(set) var tools: [String] = []
  /// What was left out, and what was guessed: a sentence each.
  public private(set) var remarks: [String] = []

  /// Room for what a function writes of which nobody says how much it is: elements.
  static let guessedCapacity = 65_536

  private let declarations: HeaderDeclarations
  private let expressible: [String: HeaderDeclarations.Structure]
  private var usedStructs: Set<String> = []
  private var usedHandles: Set<String> = []

  /// Writes a manifest.
  ///
  /// - Parameters:
  ///   - tree: What clang writes of the header with `-Xclang -ast-dump=json`.
  ///   - header: The header's path, as clang was given it.
  ///   - library: What the manifest names as the library.
  ///   - plugin: The plugin's name.
  ///   - prefix: Functions with other names are left alone; empty takes all.
  public init(_ tree: JSON, of header: String, library: String, plugin: String, prefix: String = "")
  {
    declarations = HeaderDeclarations(tree, of: header)
    var known: [String: HeaderDeclarations.Structure] = [:]
    for structure in declarations.structures
    where Self.fault(of: structure, known) == nil && known[structure.name] == nil {
      known[structure.name] = structure
    }
    expressible = known
    var list: [JSON] = []
    for function in declarations.functions where function.name.hasPrefix(prefix) {
      switch tool(function) {
      case .success(let tool):
        list.append(tool)
        tools.append(function.name)
      case .failure(let reason): remarks.append("\(function.name) is left out: \(reason.words)")
      }
    }
    var members: [JSON.Member] = [
      .init(key: "plugin", value: .string(plugin)), .init(key: "version", value: .string("1")),
      .init(key: "library", value: .string(library)),
    ]
    if let structs { members.append(.init(key: "structs", value: structs)) }
    if let handles { members.append(.init(key: "handles", value: handles)) }
    members.append(.init(key: "tools", value: .array(list)))
    manifest = .object(members)
  }

  private struct LeftOut: Error { let words: String }

  // MARK: What types stand for

  private static func fault(
    of structure: HeaderDeclarations.Structure, _ known: [String: HeaderDeclarations.Structure]
  ) -> String? {
    if let fault = structure.fault { return fault }
    for field in structure.fields {
      var type = field.type
      if case .array(let element, _) = type { type = element }
      if type.scalar != nil { continue }
      if case .structure(let name) = type, known[name] != nil { continue }
      return "its field \(field.name) is no number and no struct of numbers"
    }
    return nil
  }

  private var structs: JSON? {
    var needed = usedStructs
    // Those inside of others come before them.
    for structure in declarations.structures.reversed() where needed.contains(structure.name) {
      for field in structure.fields {
        if let name = Self.structure(in: field.type) { needed.insert(name) }
      }
    }
    var done: Set<String> = []
    let members = declarations.structures.compactMap { structure -> JSON.Member? in
      guard needed.contains(structure.name), done.insert(structure.name).inserted else {
        return nil
      }
      let fields = structure.fields.map { field in
        Self.object([("name", .string(field.name)), ("type", .string(Self.field(field.type)))])
      }
      return JSON.Member(key: structure.name, value: Self.object([("fields", .array(fields))]))
    }
    return members.isEmpty ? nil : .object(members)
  }

  private static func structure(in type: CType) -> String? {
    switch type {
    case .structure(let name): name
    case .array(let element, _): structure(in: element)
    default: nil
    }
  }

  private static func field(_ type: CType) -> String {
    switch type {
    case .structure(let name): "struct \(name)"
    case .array(let element, let count): "\(field(element))[\(count)]"
    default: type.scalar ?? ""
    }
  }

  private var handles: JSON? {
    let members = usedHandles.sorted().map { name in
      JSON.Member(key: name, value: Self.object([("destroy", .string(destroyer(of: name) ?? ""))]))
    }
    return members.isEmpty ? nil : .object(members)
  }

  private static let ends = ["free", "destroy", "close", "delete", "release", "end", "unref"]

  /// The function that frees what a pointer leads to, by its name and its only parameter.
  private func destroyer(of structure: String) -> String? {
    declarations.functions.first { function in
      guard function.parameters.count == 1, !function.isInline,
        case .pointer(.structure(structure), _) = function.parameters[0].type
      else { return false }
      let name = function.name.lowercased()
      return Self.ends.contains { name.hasSuffix($0) || name.hasPrefix($0) }
    }?.name
  }

  /// Whether a function answers a pointer to one.
  private func isMade(_ structure: String) -> Bool {
    declarations.functions.contains { function in
      if case .pointer(.structure(structure), _) = function.returns { return true }
      return function.parameters.contains { parameter in
        if case .pointer(.pointer(.structure(structure), _), _) = parameter.type {
          true
        } else {
          false
        }
      }
    }
  }

  // MARK: A function

  private mutating func tool(
    _ function: HeaderDeclarations.Function
  ) -> Result<JSON, LeftOut> {
    do throws(LeftOut) {
      if function.isVariadic { throw LeftOut(words: "it takes a variable number of arguments.") }
      if function.isInline {
        throw LeftOut(words: "it is inline, so that the library has no such symbol.")
      }
      var draft = FunctionDraft(function)
      for index in function.parameters.indices { try add(index, to: &draft) }
      try addReturned(to: &draft)
      remarks += draft.remarks.map { "\(function.name): \($0)" }
      usedStructs.formUnion(draft.structs)
      usedHandles.formUnion(draft.handles)
      var members: [(String, JSON)] = [
        ("name", .string(function.name)), ("symbol", .string(function.name)),
      ]
      if !function.description.isEmpty {
        members.append(("description", .string(function.description)))
      }
      if !draft.parameters.isEmpty {
        members.append(("parameters", .array(draft.parameters.map { Self.object($0) })))
      }
      if !draft.returns.isEmpty { members.append(("returns", Self.object(draft.returns))) }
      if !draft.error.isEmpty { members.append(("error", Self.object(draft.error))) }
      return .success(Self.object(members))
    } catch {
      return .failure(error)
    }
  }

  /// What is known of a function so far.
  private struct FunctionDraft {
    let function: HeaderDeclarations.Function
    var parameters: [[(String, JSON)]] = []
    var returns: [(String, JSON)] = []
    var error: [(String, JSON)] = []
    var remarks: [String] = []
    var structs: Set<String> = []
    var handles: Set<String> = []
    /// Parameters that say how many elements the one before has.
    var lengths: Set<Int> = []
    var answersBytes = false
    /// Whether a parameter says how many bytes there are.
    var tellsLength = false

    init(_ function: HeaderDeclarations.Function) { self.function = function }
  }

  static func object(_ members: [(String, JSON)]) -> JSON {
    .object(members.map { JSON.Member(key: $0.0, value: $0.1) })
  }

  private func add(_ index: Int, to draft: inout FunctionDraft) throws(LeftOut) {
    let parameter = draft.function.parameters[index]
    var members: [(String, JSON)] = [("name", .string(parameter.name))]
    func say(_ key: String, _ value: String) { members.append((key, .string(value))) }
    if draft.lengths.contains(index) {
      // The one before it has been written down already.
      let type = parameter.type
      let other = draft.function.parameters[index - 1].name
      if case .pointer(let target, _) = type {
        say("type", target.scalar ?? "")
        say("direction", "inout")
      } else {
        say("type", type.scalar ?? "")
      }
      say("length_of", other)
      draft.parameters.append(members)
      return
    }
    switch parameter.type {
    case .structure(let name):
      try use(struct: name, for: parameter.name, in: &draft)
      say("type", "struct \(name)")
    case .pointer(let target, let isConstant):
      members += try pointer(to: target, isConstant: isConstant, index, &draft)
    default:
      guard let scalar = parameter.type.scalar else {
        throw LeftOut(
          words:
            "\(parameter.name) has a type that no manifest describes\(Self.words(parameter.type)).")
      }
      say("type", scalar)
    }
    draft.parameters.append(members)
  }

  private static func words(_ type: CType) -> String {
    if case .other(let words) = type { ", \(words)" } else { "" }
  }

  private func use(
    struct name: String, for user: String, in draft: inout FunctionDraft
  ) throws(LeftOut) {
    guard expressible[name] != nil else {
      let structure = declarations.structures.first { $0.name == name }
      let fault =
        structure.flatMap { Self.fault(of: $0, expressible) } ?? "it is not declared whole"
      throw LeftOut(words: "\(user) is a struct \(name), which no manifest describes: \(fault).")
    }
    draft.structs.insert(name)
  }

  private func pointer(
    to target: CType, isConstant: Bool, _ index: Int, _ draft: inout FunctionDraft
  ) throws(LeftOut) -> [(String, JSON)] {
    let name = draft.function.parameters[index].name
    switch target {
    case .function:
      throw LeftOut(words: "\(name) is a callback; write by hand what it is for.")
    case .structure(let structure):
      if expressible[structure] != nil {
        draft.structs.insert(structure)
        if isConstant { return [("type", .string("struct \(structure)*"))] }
        draft.remarks.append(
          "\(name) is taken as read and written; say \"out\" if it is only written.")
        return [("type", .string("struct \(structure)*")), ("direction", .string("inout"))]
      }
      try use(handle: structure, for: name, in: &draft)
      // Its own memory, or the caller's.
      let destroys = destroyer(of: structure) == draft.function.name
      return [("type", .string("handle \(structure)"))]
        + (destroys ? [("destroys", .boolean(true))] : [])
    case .pointer(.structure(let structure), _) where expressible[structure] == nil:
      try use(handle: structure, for: name, in: &draft)
      return [("type", .string("handle \(structure)")), ("direction", .string("out"))]
    case .pointer, .array, .other:
      throw LeftOut(
        words: "\(name) leads to a pointer or an array, and nobody says whose memory that is.")
    default: return try memory(of: target, isConstant: isConstant, index, &draft)
    }
  }

  private func use(
    handle structure: String, for user: String, in draft: inout FunctionDraft
  ) throws(LeftOut) {
    // One that is declared whole, and that no function makes, is its caller's memory.
    let isWhole = declarations.structures.contains { $0.name == structure }
    if isWhole && !isMade(structure) { return try use(struct: structure, for: user, in: &draft) }
    guard destroyer(of: structure) != nil else {
      throw LeftOut(
        words:
          "\(user) leads to a struct \(structure) that only the library knows, and no function is seen to free it."
      )
    }
    draft.handles.insert(structure)
  }

  /// A pointer to numbers, to a text or to bytes.
  private func memory(
    of target: CType, isConstant: Bool, _ index: Int, _ draft: inout FunctionDraft
  ) throws(LeftOut) -> [(String, JSON)] {
    let name = draft.function.parameters[index].name
    let length = try self.length(after: index, in: draft.function)
    let type = target.isByte ? "bytes" : "\(target.scalar ?? "")[]"
    switch (isConstant, length) {
    case (true, .value?):
      draft.lengths.insert(index + 1)
      return [("type", .string(type)), ("const", .boolean(true))]
    case (true, .pointer?), (true, nil):
      guard target == .character else {
        throw LeftOut(words: "nobody says how many elements \(name) has.")
      }
      return [("type", .string("string"))]
    case (false, .value?) where !target.isByte:
      draft.lengths.insert(index + 1)
      draft.remarks.append("\(name) is taken as read and written.")
      return [("type", .string(type)), ("direction", .string("inout"))]
    case (false, .value?), (false, .pointer?):
      draft.lengths.insert(index + 1)
      if target.isByte {
        guard !draft.answersBytes else {
          throw LeftOut(words: "it answers bytes twice, and a tool has one such result.")
        }
        draft.answersBytes = true
        draft.tellsLength = length == .pointer
      }
      draft.remarks.append(
        "\(name) is taken as written, with room for \(Self.guessedCapacity) elements; say \"capacity\" better."
      )
      return [
        ("type", .string(type)), ("direction", .string("out")),
        ("capacity", .integer(Int64(Self.guessedCapacity))),
      ]
    case (false, nil):
      guard let scalar = target.scalar, target != .character else {
        throw LeftOut(words: "nobody says what \(name) leads to, and how much.")
      }
      draft.remarks.append(
        "\(name) is taken as one number that is written; say \"inout\" if it is read, too.")
      return [("type", .string(scalar)), ("direction", .string("out"))]
    }
  }

  private static let itemWords = ["items", "nmemb", "num", "count"]

  private enum Length {
    case value
    case pointer
  }

  private static let lengthWords = ["len", "length", "size", "count", "num", "bytes", "nmemb"]

  /// Whether the next parameter says how many elements a parameter has, by its type and its name.
  private func length(
    after index: Int, in function: HeaderDeclarations.Function
  ) throws(LeftOut) -> Length? {
    guard index + 1 < function.parameters.count else { return nil }
    let next = function.parameters[index + 1]
    let name = next.name.lowercased()
    guard name == "n" || Self.lengthWords.contains(where: { name.contains($0) }) else { return nil }
    if next.type.isWhole {
      if index + 2 < function.parameters.count, function.parameters[index + 2].type.isWhole,
        Self.itemWords.contains(where: function.parameters[index + 2].name.lowercased().contains)
      {
        throw LeftOut(
          words: "\(next.name) and \(function.parameters[index + 2].name) may both say how long "
            + "\(function.parameters[index].name) is.")
      }
      return .value
    }
    if case .pointer(let target, isConstant: false) = next.type, target.isWhole { return .pointer }
    return nil
  }

  private func addReturned(to draft: inout FunctionDraft) throws(LeftOut) {
    let type = draft.function.returns
    switch type {
    case .void: return
    case .structure(let name):
      try use(struct: name, for: "what it returns", in: &draft)
      draft.returns = [("type", .string("struct \(name)"))]
    case .pointer(.character, isConstant: true): draft.returns = [("type", .string("string"))]
    case .pointer(.structure(let name), let isConstant):
      if expressible[name] != nil {
        guard isConstant else {
          throw LeftOut(words: "it returns a struct \(name)*, and nobody says who frees it.")
        }
        draft.structs.insert(name)
        draft.returns = [("type", .string("struct \(name)*"))]
      } else {
        try use(handle: name, for: "what it returns", in: &draft)
        draft.returns = [("type", .string("handle \(name)"))]
        draft.error = [("when", .string("null"))]
      }
    default:
      guard let scalar = type.scalar else {
        throw LeftOut(
          words: "it returns memory of which nobody says how much it is and who frees it.")
      }
      draft.returns = [("type", .string(scalar))]
    }
    guard draft.answersBytes else { return }
    guard draft.tellsLength, case .integer = type else {
      throw LeftOut(words: "it answers bytes and something else, which may say how many they are.")
    }
    draft.error = [("when", .string("nonzero"))]
    draft.remarks.append("what it returns is taken as an error unless it is 0.")
  }
}
