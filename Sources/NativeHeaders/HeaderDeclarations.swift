internal import JSON

/// What a header declares: its functions, and the structs that they may use.
///
/// It is read of the syntax tree that clang writes as JSON (`-Xclang -ast-dump=json`).
struct HeaderDeclarations {
  struct Parameter {
    let name: String
    let type: CType
  }

  struct Function {
    let name: String
    let parameters: [Parameter]
    let returns: CType
    let isConstantReturned: Bool
    let isVariadic: Bool
    /// Whether it has no symbol of its own.
    let isInline: Bool
    /// The first sentences of what stands before it as documentation.
    let description: String
  }

  struct Structure {
    let name: String
    let fields: [Parameter]
    /// Why no manifest can describe it; nil where one can.
    let fault: String?
  }

  /// In the order of the header.
  private(set) var functions: [Function] = []
  /// In the order of their declarations: what one has in it comes before it.
  private(set) var structures: [Structure] = []

  private var structNames: [String: String] = [:]
  private var aliases: [String: String] = [:]
  private var names: [String: String] = [:]

  /// - Parameters:
  ///   - tree: Of one translation unit.
  ///   - header: The path of the header as clang was given it: functions of others are left alone.
  init(_ tree: JSON, of header: String) {
    let declarations = tree["inner"]?.elements ?? []
    for declaration in declarations { addNames(declaration) }
    let reader = CTypeReader(aliases: aliases, structs: names)
    var file = ""
    for declaration in declarations {
      Self.follow(declaration["loc"], &file)
      let own = file
      Self.follow(declaration, &file)
      switch declaration.text("kind") {
      case "RecordDecl" where declaration["completeDefinition"] != nil: add(declaration, reader)
      case "FunctionDecl" where own == header && declaration["isImplicit"] == nil:
        add(function: declaration, reader)
      default: break
      }
    }
  }

  /// What names of types stand for.
  private mutating func addNames(_ declaration: JSON) {
    let id = declaration.text("id")
    switch declaration.text("kind") {
    case "RecordDecl":
      let name = declaration.text("name")
      structNames[id] = name.isEmpty ? "unnamed_\(structNames.count)" : name
    case "TypedefDecl":
      let name = declaration.text("name")
      aliases[name] = declaration["type"]?.text("qualType") ?? ""
      // A struct that is declared in place may have no other name.
      if let owned = declaration["inner"]?.elements.first?["ownedTagDecl"],
        owned.text("name").isEmpty, owned.text("kind") == "RecordDecl"
      {
        structNames[owned.text("id")] = name
        names[name] = name
      }
    default: break
    }
  }

  /// Where clang does not name the file, it is that of the place before.
  private static func follow(_ node: JSON?, _ file: inout String) {
    guard case .object(let members)? = node else { return }
    for member in members {
      switch (member.key, member.value) {
      case ("file", .string(let name)): file = name
      case ("loc", let place), ("range", let place), ("begin", let place), ("end", let place),
        ("spellingLoc", let place), ("expansionLoc", let place):
        follow(place, &file)
      case ("inner", .array(let nodes)): for node in nodes { follow(node, &file) }
      default: break
      }
    }
  }

  private mutating func add(_ record: JSON, _ reader: CTypeReader) {
    let name = structNames[record.text("id")] ?? record.text("name")
    var fields: [Parameter] = []
    var fault: String?
    if record.text("tagUsed") != "struct" { fault = "it is a union" }
    for node in record["inner"]?.elements ?? [] {
      switch node.text("kind") {
      case "FieldDecl":
        let field = Parameter(
          name: node.text("name"), type: reader.type(node["type"]?.text("qualType") ?? ""))
        if node["isBitfield"] != nil { fault = "\(field.name) has a width in bits" }
        if field.name.isEmpty { fault = "it has a field without a name" }
        fields.append(field)
      case "PackedAttr", "AlignedAttr", "MaxFieldAlignmentAttr": fault = "it is packed or aligned"
      default: break
      }
    }
    if fields.isEmpty { fault = fault ?? "it has no fields" }
    structures.append(Structure(name: name, fields: fields, fault: fault))
  }

  private mutating func add(function: JSON, _ reader: CTypeReader) {
    let name = function.text("name")
    // Declared before; parameters may have names now.
    functions.removeAll { $0.name == name }
    let nodes = function["inner"]?.elements ?? []
    let parameters = nodes.filter { $0.text("kind") == "ParmVarDecl" }.enumerated().map {
      index, node in
      let name = node.text("name")
      return Parameter(
        name: name.isEmpty ? "argument\(index + 1)" : name,
        type: reader.type(node["type"]?.text("qualType") ?? ""))
    }
    let signature = function["type"]?.text("qualType") ?? ""
    let returns = Self.returned(signature)
    functions.append(
      Function(
        name: name, parameters: parameters, returns: reader.type(returns),
        isConstantReturned: returns.hasPrefix("const "),
        isVariadic: function["variadic"] != nil,
        isInline: function["inline"] != nil || function.text("storageClass") == "static",
        description: Self.documentation(nodes)))
  }

  /// What stands before the parameters in a function's type.
  private static func returned(_ signature: String) -> String {
    if signature.contains("(*") { return signature }
    return String(signature.prefix { $0 != "(" })
  }

  /// The first paragraph of a documentation comment.
  private static func documentation(_ nodes: [JSON]) -> String {
    guard let comment = nodes.first(where: { $0.text("kind") == "FullComment" }),
      let paragraph = comment["inner"]?.elements.first(where: {
        $0.text("kind") == "ParagraphComment"
      })
    else { return "" }
    let lines = (paragraph["inner"]?.elements ?? []).filter { $0.text("kind") == "TextComment" }
    return lines.flatMap { $0.text("text").split(separator: " ") }.joined(separator: " ")
  }
}

extension JSON {
  /// A member that is a string; empty where there is none.
  fileprivate func text(_ key: String) -> String {
    if case .string(let text)? = self[key] { text } else { "" }
  }

  /// Of an array.
  fileprivate var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
}
