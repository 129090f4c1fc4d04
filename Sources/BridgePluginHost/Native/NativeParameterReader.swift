internal import BridgeSessions
internal import BridgeTools
internal import JSON

/// The places of a signature's parameters, by their names.
struct NativePlaces {
  private var places: [String: Int] = [:]

  /// - Throws: `PluginError` where two have a name.
  init(_ parameters: [JSON]) throws(PluginError) {
    for (index, parameter) in parameters.enumerated() {
      guard case .string(let name)? = parameter["name"] else { continue }
      guard places.updateValue(index, forKey: name) == nil else {
        var error = PluginError("parameter \(name) is declared twice")
        error.place = JSONPlace([.key("parameters"), .index(index)])
        throw error
      }
    }
  }

  /// - Parameter key: That names it.
  func place(_ name: String, at key: String) throws(PluginError) -> Int {
    guard let place = places[name] else {
      throw PluginError("\"\(key)\": there is no parameter \"\(name)\"", at: key)
    }
    return place
  }
}

/// Reads one parameter of a native signature.
struct NativeParameterReader {
  private let object: JSON
  private let places: NativePlaces
  private let declarations: NativeDeclarations
  private let name: String

  init(_ object: JSON, _ places: NativePlaces, _ declarations: NativeDeclarations)
    throws(PluginError)
  {
    self.object = object
    self.places = places
    self.declarations = declarations
    name = try object.name("name")
    try object.checkKeys([
      "name", "type", "description", "direction", "length_of", "dimension_of", "axis", "value",
      "variable",
      "nullable", "default", "capacity", "free", "destroys", "tensor", "const", "passed", "passed",
    ])
  }

  static func type(_ object: JSON, _ declarations: NativeDeclarations) throws(PluginError)
    -> NativeType
  {
    let name = try object.text("type")
    guard let type = NativeType(name, declarations) else {
      throw PluginError("unknown type \"\(name)\"; there are \(NativeType.known)", at: "type")
    }
    return type
  }

  func parameter() throws(PluginError) -> NativeSignature.Parameter {
    let type = try Self.type(object, declarations)
    let direction = try direction(type)
    let source = try source(type, direction)
    let target = try object.optionalText("variable").nilIfEmpty
    let parameter = NativeSignature.Parameter(
      name: name, description: try object.optionalText("description"), type: type,
      direction: direction, source: source, isNullable: try flag("nullable"),
      defaultValue: object["default"], capacity: try capacity(type, direction),
      free: try object.optionalText("free").nilIfEmpty, destroys: try flag("destroys"),
      target: direction == .in ? nil : target, isTensor: try flag("tensor"),
      isConstant: try flag("const"), isPassed: try flag("passed", or: true))
    try check(parameter)
    return parameter
  }

  private func fault(_ words: String, at key: String) -> PluginError {
    PluginError("parameter \(name): \(words)", at: key)
  }

  private func flag(_ key: String, or other: Bool = false) throws(PluginError) -> Bool {
    switch object[key] {
    case nil: return other
    case .boolean(let flag)?: return flag
    default: throw fault("\"\(key)\" must be true or false", at: key)
    }
  }

  private func direction(_ type: NativeType) throws(PluginError) -> NativeSignature.Direction {
    let word = try object.optionalText("direction")
    guard let direction = word.isEmpty ? .in : NativeSignature.Direction(rawValue: word) else {
      throw fault("unknown direction \"\(word)\"; use in, out or inout", at: "direction")
    }
    switch (direction, type) {
    case (_, .void): throw fault("cannot be void", at: "type")
    case (.in, _), (_, .scalar), (_, .array), (_, .bytes), (_, .structurePointer), (.out, .string),
      (.out, .handle):
      return direction
    case (_, .structure):
      throw fault("a struct that the function writes is \"struct NAME*\"", at: "direction")
    default: throw fault("its type cannot be \(direction.rawValue)", at: "direction")
    }
  }

  private func source(
    _ type: NativeType, _ direction: NativeSignature.Direction
  ) throws(PluginError) -> NativeSignature.Source {
    let keys = ["length_of", "dimension_of", "value"].filter { object[$0] != nil }
    guard keys.count <= 1 else {
      throw fault("\"\(keys[0])\" and \"\(keys[1])\" cannot be together", at: keys[1])
    }
    switch keys.first {
    case "length_of":
      return .length(of: try places.place(try object.text("length_of"), at: "length_of"))
    case "dimension_of":
      guard case .integer(let axis)? = object["axis"], (0..<32).contains(axis) else {
        throw fault(
          "\"dimension_of\" needs \"axis\": the number of the dimension, from 0", at: "dimension_of"
        )
      }
      return .dimension(
        of: try places.place(try object.text("dimension_of"), at: "dimension_of"), axis: Int(axis))
    case "value": return .constant(try constant(type))
    default:
      guard direction != .out, object["variable"] != nil else { return .argument }
      guard type.toolType() != nil, object["default"] == nil else {
        throw fault("a variable cannot be its value", at: "variable")
      }
      return .variable(try object.text("variable"))
    }
  }

  private func constant(_ type: NativeType) throws(PluginError) -> Value? {
    let value = object["value"]!
    if value == .null {
      if case .scalar = type { throw fault("a number cannot be null", at: "value") }
      if case .structure = type { throw fault("a struct cannot be null", at: "value") }
      return nil
    }
    do {
      switch type {
      case .scalar(let scalar):
        let constant = try Value(json: Array(value.text.utf8), as: scalar.toolType)
        var room: UInt64 = 0
        try scalar.store(constant, to: &room)
        return constant
      case .string: return try Value(json: Array(value.text.utf8), as: .string)
      default: throw fault("only numbers, strings and null can be a \"value\"", at: "value")
      }
    } catch let error as PluginError {
      throw error
    } catch {
      throw fault("\(error)", at: "value")
    }
  }

  private func capacity(
    _ type: NativeType, _ direction: NativeSignature.Direction
  ) throws(PluginError) -> NativeSignature.Capacity? {
    guard let value = object["capacity"] else { return nil }
    guard type.needsLength, direction == .out else {
      throw fault("only arrays and bytes that are out have a \"capacity\"", at: "capacity")
    }
    switch value {
    case .integer(let number) where number > 0 && number <= 1 << 32:
      return NativeSignature.Capacity(plus: Int(number), parameter: nil, times: 0)
    case .string(let other):
      return NativeSignature.Capacity(
        plus: 0, parameter: try places.place(other, at: "capacity"), times: 1)
    case .object:
      return try JSONPlace.Step.key("capacity").within { () throws(PluginError) in
        try value.checkKeys(["parameter", "times", "plus"])
        return NativeSignature.Capacity(
          plus: try count("plus", in: value, or: 0),
          parameter: try places.place(try value.text("parameter"), at: "parameter"),
          times: try count("times", in: value, or: 1))
      }
    default:
      throw fault(
        "\"capacity\" is a number of elements, the name of a parameter, or {\"parameter\": …, \"times\": …, "
          + "\"plus\": …}", at: "capacity")
    }
  }

  private func count(_ key: String, in object: JSON, or other: Int) throws(PluginError) -> Int {
    switch object[key] {
    case nil: return other
    case .integer(let number)? where (0...1 << 32).contains(number): return Int(number)
    default: throw fault("\"\(key)\" must be a whole number from 0", at: key)
    }
  }

  private func check(_ parameter: NativeSignature.Parameter) throws(PluginError) {
    if parameter.isNullable {
      switch parameter.type {
      case .string, .bytes, .array, .structurePointer, .handle, .callback: break
      default: throw fault("only pointers can be nullable", at: "nullable")
      }
    }
    if parameter.free != nil && (parameter.direction != .out || parameter.capacity != nil) {
      throw fault(
        "only memory that the function makes is freed: an out parameter without \"capacity\"",
        at: "free")
    }
    if parameter.destroys {
      guard case .handle = parameter.type, parameter.direction == .in else {
        throw fault("only handles can be destroyed", at: "destroys")
      }
    }
    if parameter.isTensor {
      guard case .array = parameter.type else {
        throw fault("only arrays can be tensors", at: "tensor")
      }
    }
    if !parameter.isPassed {
      guard parameter.isTools, case .scalar(let scalar) = parameter.type,
        scalar.toolType == .integer,
        parameter.direction == .in
      else {
        throw fault(
          "only a whole number that the tool takes can be left out of the function's parameters",
          at: "passed")
      }
    }
    if parameter.isConstant {
      guard parameter.type.needsLength, parameter.direction == .in else {
        throw fault("only arrays and bytes that are in can be \"const\"", at: "const")
      }
    }
    if object["default"] != nil && !parameter.isTools {
      throw fault("it is no parameter of the tool, so that there is no default", at: "default")
    }
    if object["axis"] != nil && object["dimension_of"] == nil {
      throw fault("\"axis\" goes with \"dimension_of\"", at: "axis")
    }
  }
}
