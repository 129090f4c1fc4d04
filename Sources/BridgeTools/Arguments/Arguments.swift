public import BridgeSessions

/// The arguments of one call, checked against the tool's declaration, defaults filled in.
public struct Arguments: Sendable {
  /// The value of one parameter.
  public struct Entry: Sendable {
    /// The parameter's name.
    public let name: String
    /// The value, of the parameter's type.
    public let value: ToolValue
  }

  /// The parameters that were given or have a default, each once. They are few: nothing is hashed.
  public let entries: [Entry]

  /// Arguments that have been checked before, by whoever sent them on.
  public init(checked values: [String: ToolValue]) {
    entries = values.map { Entry(name: $0, value: $1) }
  }

  /// The value of a parameter; nil where it was not given and has no default.
  public subscript(name: String) -> ToolValue? { entries.first { $0.name == name }?.value }

  /// About how many bytes the values have.
  var byteCount: Int { entries.reduce(0) { $0 + $1.value.byteCount } }

  /// - Parameters:
  ///   - given: In any order, each name once.
  ///   - searches: What the patterns of all parameters may take.
  /// - Throws: `ToolsError` with code `invalidParameter`, naming the parameter that is missing, unknown or
  ///   wrong; `SessionError` when a value is of a format or size that the host does not read;
  ///   `SearchInterruption`.
  public init(
    _ given: [any ArgumentSource], for tool: ToolDescription, _ searches: inout SearchBudget
  ) throws {
    // Nothing is looked for among more than the tool takes.
    if given.count > tool.parameters.count { throw Self.unknown(among: given, for: tool) }
    var entries: [Entry] = []
    entries.reserveCapacity(tool.parameters.count)
    var known = 0
    for parameter in tool.parameters {
      if let source = given.first(where: { $0.name == parameter.name }) {
        known += 1
        do {
          let value = try Self.read(source, as: parameter, &searches)
          entries.append(Entry(name: parameter.name, value: value))
        } catch let error as SessionError {
          throw Self.wrong(parameter, of: tool, error)
        } catch let error as ToolsError {
          throw ToolsError(
            error.code, "parameter \(parameter.name) of \(tool.name): \(error.message)",
            details: error.details.merging(["parameter": parameter.name]) { $1 })
        }
      } else if let defaultValue = parameter.defaultValue {
        entries.append(Entry(name: parameter.name, value: defaultValue))
      } else if parameter.isRequired {
        throw ToolsError(
          .invalidParameter,
          "parameter \(parameter.name) of \(tool.name) is required (\(parameter.type.name))",
          details: ["parameter": parameter.name])
      }
    }
    if known < given.count { throw Self.unknown(among: given, for: tool) }
    self.entries = entries
  }

  private static func wrong(
    _ parameter: ParameterDescription, of tool: ToolDescription, _ error: SessionError
  ) -> any Error {
    let message = "parameter \(parameter.name) of \(tool.name): \(error.message)"
    let details = ["parameter": parameter.name]
    switch error.code {
    case .invalidValue, .invalidArgument:
      return ToolsError(.invalidParameter, message, details: details)
    default:
      return SessionError(error.code, message, details: details, isTransient: error.isTransient)
    }
  }

  private static func unknown(
    among given: [any ArgumentSource], for tool: ToolDescription
  ) -> ToolsError {
    let names = Set(tool.parameters.map(\.name))
    let unknown = given.lazy.map(\.name).filter { !names.contains($0) }.min() ?? ""
    let known = tool.parameters.map(\.name).joined(separator: ", ")
    return ToolsError(
      .invalidParameter,
      "\(tool.name) has no parameter \(unknown); it takes \(known.isEmpty ? "none" : known)",
      details: ["parameter": unknown])
  }

  private static func read(
    _ source: any ArgumentSource, as parameter: ParameterDescription,
    _ searches: inout SearchBudget
  ) throws -> ToolValue {
    switch parameter.type {
    case .value(let type):
      var value = try source.value(as: type)
      if let constraints = parameter.constraints { value = try constraints.admit(value, &searches) }
      return .value(value, type)
    case .bytes: return .bytes(try source.bytes())
    case .object, .array, .any:
      let text = try CheckedJSON.check(try source.json(), is: parameter.type)
      try DeclaredSchema.check(text, parameter.schema, &searches)
      return .json(text, parameter.type)
    }
  }
}
