internal import BridgePluginABI

/// A parameter of any type, as registration sees it.
protocol DeclaredParameter: Sendable {
  /// Writes the description.
  func describe(in arena: inout Arena) -> bridge_parameter

  /// What reads it from a call.
  var reader: ParameterReader { get }
}

/// Reads what a call has for a parameter, and puts it before arguments that were read already.
typealias ParameterReader =
  @Sendable (_ call: CallAPI, _ next: Argument?) throws(ToolError) -> Argument

/// The parameters among the stored properties of a tool, in the order of declaration; those of a
/// superclass first.
func declaredParameters(of tool: any ToolDeclaration) -> [any DeclaredParameter] {
  var mirrors: [Mirror] = []
  var mirror: Mirror? = Mirror(reflecting: tool)
  while let current = mirror {
    mirrors.append(current)
    mirror = current.superclassMirror
  }
  return mirrors.reversed().flatMap { mirror in
    mirror.children.compactMap { $0.value as? any DeclaredParameter }
  }
}

/// What a call has for one parameter, a `TypedArgument`, and for those after it.
class Argument: @unchecked Sendable {
  let name: String
  /// The type of its value. Casting to a generic type costs a look-up of that type, which this saves.
  let type: ObjectIdentifier
  let next: Argument?

  init(name: String, type: ObjectIdentifier, next: Argument?) {
    self.name = name
    self.type = type
    self.next = next
  }
}

// @unchecked: nothing of it changes.
final class TypedArgument<Value: Sendable>: Argument, @unchecked Sendable {
  let value: Value

  init(name: String, value: Value, next: Argument?) {
    self.value = value
    super.init(name: name, type: ObjectIdentifier(Value.self), next: next)
  }
}

extension Parameter: DeclaredParameter {
  func describe(in arena: inout Arena) -> bridge_parameter {
    var parameter = bridge_parameter()
    parameter.size = UInt32(MemoryLayout<bridge_parameter>.size)
    parameter.name = arena.view(name)
    parameter.description = arena.view(description)
    parameter.type = type.rawValue
    if let defaultValue, defaultValue.toolValue != .null {
      var value = arena.value(defaultValue.toolValue.coerced(to: type))
      parameter.default_value = arena.place(&value, MemoryLayout<bridge_value>.size)
        .assumingMemoryBound(to: bridge_value.self)
    } else if !Value.isOptional {
      parameter.flags = UInt32(BRIDGE_PARAMETER_REQUIRED)
    }
    if let constraints { parameter.constraints = arena.view(constraints.text) }
    parameter.schema = arena.view(schema)
    return parameter
  }

  var reader: ParameterReader {
    // For these, the compiler makes code of its own; what is generic looks types up in every call.
    switch self {
    case let text as Parameter<String>: return makeReader(of: text)
    case let number as Parameter<Double>: return makeReader(of: number)
    case let number as Parameter<Int>: return makeReader(of: number)
    case let flag as Parameter<Bool>: return makeReader(of: flag)
    case let json as Parameter<JSONText>: return makeReader(of: json)
    case let vector as Parameter<[Double]>: return makeReader(of: vector)
    default: return makeReader(of: self)
    }
  }

  /// The host has checked the call against the description, so that an error here is the host's.
  fileprivate func read(from call: CallAPI, _ next: Argument?) throws(ToolError) -> Argument {
    guard let given = try call.parameter(name) else {
      if let value = defaultValue ?? Value(toolValue: .null) {
        return TypedArgument(name: name, value: value, next: next)
      }
      throw ToolError(.internalError, "the host did not hand over the required parameter \(name)")
    }
    guard let value = Value(toolValue: given) else {
      throw ToolError(
        .internalError,
        "the host handed over a value of type \(given.type) for the parameter \(name), which is no "
          + "\(Value.self)")
    }
    return TypedArgument(name: name, value: value, next: next)
  }
}

private func makeReader<Value>(of parameter: Parameter<Value>) -> ParameterReader {
  { (call, next) throws(ToolError) in try parameter.read(from: call, next) }
}
