public import BridgeSessions
internal import JSON

/// What a client gave for one parameter, before it is read as the declared type.
public protocol ArgumentSource {
  /// The parameter it was given for.
  var name: String { get }
  /// Reads the argument as one of the eight types.
  func value(as type: ValueType) throws -> Value
  /// The argument's JSON text, for parameters that take JSON.
  func json() throws -> [UInt8]
  /// The argument's bytes, for parameters that take bytes.
  func bytes() throws -> [UInt8]
}

/// The arguments of one call, checked against the tool's declaration, defaults filled in.
public struct Arguments: Sendable {
  public let values: [String: ToolValue]

  /// - Parameter given: In any order, each name once.
  /// - Throws: `SessionError` naming the parameter that is missing, unknown or wrong.
  public init(_ given: [any ArgumentSource], for tool: ToolDescription) throws {
    // Nothing is looked for among more than the tool takes.
    if given.count > tool.parameters.count { throw Self.unknown(among: given, for: tool) }
    var values: [String: ToolValue] = [:]
    var known = 0
    for parameter in tool.parameters {
      if let source = given.first(where: { $0.name == parameter.name }) {
        known += 1
        do {
          values[parameter.name] = try Self.read(source, as: parameter)
        } catch let error as SessionError {
          throw SessionError(
            error.code, "parameter \(parameter.name) of \(tool.name): \(error.message)",
            details: ["parameter": parameter.name])
        }
      } else if let defaultValue = parameter.defaultValue {
        values[parameter.name] = defaultValue
      } else if parameter.isRequired {
        throw SessionError(
          .invalidValue,
          "parameter \(parameter.name) of \(tool.name) is required (\(parameter.type.name))",
          details: ["parameter": parameter.name])
      }
    }
    if known < given.count { throw Self.unknown(among: given, for: tool) }
    self.values = values
  }

  private static func unknown(
    among given: [any ArgumentSource], for tool: ToolDescription
  ) -> SessionError {
    let names = Set(tool.parameters.map(\.name))
    let unknown = given.lazy.map(\.name).filter { !names.contains($0) }.min() ?? ""
    let known = tool.parameters.map(\.name).joined(separator: ", ")
    return SessionError(
      .invalidValue,
      "\(tool.name) has no parameter \(unknown); it takes \(known.isEmpty ? "none" : known)",
      details: ["parameter": unknown])
  }

  private static func read(
    _ source: any ArgumentSource, as parameter: ParameterDescription
  ) throws -> ToolValue {
    switch parameter.type {
    case .value(let type):
      var value = try source.value(as: type)
      if let constraints = parameter.constraints { value = try constraints.admit(value) }
      return .value(value, type)
    case .bytes: return .bytes(try source.bytes())
    case .object, .array, .any:
      return .json(try CheckedJSON.check(try source.json(), is: parameter.type), parameter.type)
    }
  }
}

/// JSON text as tools take and give it.
enum CheckedJSON {
  /// Checks that a text is JSON of a kind.
  ///
  /// Field clients wrap objects and lists in a JSON string: such a string is opened.
  ///
  /// - Throws: `SessionError` with code `invalidValue`.
  static func check(_ text: [UInt8], is type: ToolType) throws -> [UInt8] {
    let wrapped: String?
    do {
      wrapped = try text.withUnsafeBytes { bytes in
        try JSON.read(bytes) { reader -> String? in
          switch (type, reader.kind) {
          case (.any, _), (.object, .object), (.array, .array): return nil
          case (.object, .string), (.array, .string): return reader.string()
          default:
            throw SessionError(
              .invalidValue, "expected a JSON \(type.name), got \(reader.value().text.prefix(80))")
          }
        }
      }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, error.message)
    }
    guard let wrapped else { return text }
    let inner = Array(wrapped.utf8)
    let kind = try? inner.withUnsafeBytes { try JSON.read($0) { $0.kind } }
    guard kind == (type == .object ? .object : .array) else {
      throw SessionError(.invalidValue, "expected a JSON \(type.name), got a string")
    }
    return inner
  }
}
