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

  /// The same, in the order they came; each name once.
  public init(checked values: [(name: String, value: ToolValue)]) {
    entries = values.map { Entry(name: $0.name, value: $0.value) }
  }

  /// The value of a parameter; nil where it was not given and has no default.
  public subscript(name: String) -> ToolValue? { entries.first { $0.name == name }?.value }

  /// About how many bytes the values have.
  var byteCount: Int { entries.reduce(0) { $0 + $1.value.byteCount } }

  /// Reads arguments of a tool.
  ///
  /// - Parameters:
  ///   - given: In any order, each name once.
  ///   - searches: What the patterns of all parameters may take.
  /// - Throws: `ToolsError` with code `invalidParameter`, naming every parameter that is missing, unknown or
  ///   wrong, and places in it; `SessionError` when a value is of a format or size that the host does not read;
  ///   `SearchInterruption`.
  public init(
    _ given: [any ArgumentSource], for tool: ToolDescription, _ searches: inout SearchBudget
  ) throws {
    entries = try Self.read(SourceList(sources: given), for: DescribedTool(tool), &searches)
  }

  /// Reads arguments of a tool that is about to be called; see the other `init`.
  public init(
    _ given: borrowing some ArgumentList, for tool: AdmittedTool, _ searches: inout SearchBudget
  ) throws {
    entries = try Self.read(given, for: tool.registered.described, &searches)
  }

  private static func read(
    _ given: some ArgumentList, for tool: DescribedTool, _ searches: inout SearchBudget
  ) throws -> [Entry] {
    let count = given.count
    // Nothing is looked for among more than the tool takes.
    if count > tool.parameters.count, !tool.tool.takesUndeclared {
      throw unknown(among: given, for: tool)
    }
    var entries: [Entry] = []
    entries.reserveCapacity(tool.parameters.count)
    var known = 0
    var faults: [ToolsError] = []
    for parameter in tool.parameters {
      if let place = place(of: parameter.name, in: given, count) {
        known += 1
        do {
          entries.append(
            Entry(name: parameter.name, value: try parameter.read(place, of: given, &searches)))
        } catch let error as SessionError {
          faults.append(try fault(parameter, of: tool, error))
        } catch let error as ToolsError {
          faults.append(fault(parameter, of: tool, error))
        }
      } else if let defaultValue = parameter.defaultValue {
        entries.append(Entry(name: parameter.name, value: defaultValue))
      } else if parameter.isRequired {
        faults.append(
          ToolsError(
            .invalidParameter,
            "parameter \(parameter.name) of \(tool.tool.name) is required (\(parameter.type.name))",
            details: ["parameter": parameter.name]))
      }
    }
    if known < count {
      if tool.tool.takesUndeclared {
        try readUndeclared(given, for: tool, into: &entries, &faults)
      } else {
        faults.append(unknown(among: given, for: tool))
      }
    }
    guard faults.isEmpty else { throw together(faults) }
    return entries
  }

  /// Reads what the tool does not declare, as JSON.
  private static func readUndeclared(
    _ given: some ArgumentList, for tool: DescribedTool, into entries: inout [Entry],
    _ faults: inout [ToolsError]
  ) throws {
    let names = Set(tool.parameters.map(\.name))
    for place in 0..<given.count where !names.contains(given.name(at: place)) {
      let name = given.name(at: place)
      do {
        let text = try CheckedJSON.check(try given.json(at: place), is: .any)
        entries.append(Entry(name: name, value: .json(text, .any)))
      } catch let error as SessionError {
        faults.append(
          ToolsError(
            .invalidParameter, "parameter \(name) of \(tool.tool.name): \(error.message)",
            details: ["parameter": name]))
      }
    }
  }

  /// All that is wrong, as one error; the first one decides what programs are told.
  private static func together(_ faults: [ToolsError]) -> ToolsError {
    var error = faults[0]
    guard faults.count > 1 else { return error }
    var messages = faults.prefix(faultLimit).map(\.message)
    if faults.count > faultLimit { messages.append("and \(faults.count - faultLimit) more") }
    error.message = messages.joined(separator: "; ")
    error.details["parameters"] = faults.prefix(faultLimit).compactMap { $0.details["parameter"] }
      .joined(separator: ",")
    return error
  }

  /// More wrong parameters than these are counted only.
  private static let faultLimit = JSONSchema.faultLimit

  private static func place(
    of name: String, in given: some ArgumentList, _ count: Int
  ) -> Int? {
    for place in 0..<count where given.name(at: place) == name { return place }
    return nil
  }

  /// What is wrong with one parameter.
  ///
  /// - Throws: What is not the argument's fault: a limit, a pattern that takes too long.
  private static func fault(
    _ parameter: ParameterCheck, of tool: DescribedTool, _ error: SessionError
  ) throws -> ToolsError {
    let message = "parameter \(parameter.name) of \(tool.tool.name): \(error.message)"
    let details = ["parameter": parameter.name]
    guard error.code == .invalidValue || error.code == .invalidArgument else {
      throw SessionError(error.code, message, details: details, isTransient: error.isTransient)
    }
    return ToolsError(.invalidParameter, message, details: details)
  }

  private static func fault(
    _ parameter: ParameterCheck, of tool: DescribedTool, _ error: ToolsError
  ) -> ToolsError {
    ToolsError(
      error.code, "parameter \(parameter.name) of \(tool.tool.name): \(error.message)",
      details: error.details.merging(["parameter": parameter.name]) { $1 })
  }

  private static func unknown(
    among given: some ArgumentList, for tool: DescribedTool
  ) -> ToolsError {
    let names = Set(tool.parameters.map(\.name))
    let unknown = (0..<given.count).lazy.map { given.name(at: $0) }.filter { !names.contains($0) }
      .sorted()
    var list = unknown.prefix(faultLimit).joined(separator: ", ")
    if unknown.count > faultLimit { list += " and \(unknown.count - faultLimit) more" }
    let known = tool.parameters.map(\.name).joined(separator: ", ")
    return ToolsError(
      .invalidParameter,
      "\(tool.tool.name) has no parameter \(list); it takes \(known.isEmpty ? "none" : known)",
      details: ["parameter": unknown.first ?? ""])
  }
}
