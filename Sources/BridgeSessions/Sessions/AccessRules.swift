internal import JSON

/// Who may change a variable: the content of `access_control_json`.
///
/// The rules hold for every change: values, constraints, rollbacks, optimizations and deletion. They
/// keep cooperating writers apart; they do not authenticate anybody.
public struct AccessRules: Sendable {
  /// Nothing changes the variable for as long as its session lives.
  public private(set) var isReadOnly = false
  /// Sources (`elixir`, `python`, `host`, `plugin`), writers' names (`tool:scale`, what a write's
  /// metadata calls `source`) and patterns of them; nil lets everybody write.
  public private(set) var writers: [Wildcard]?

  /// - Throws: `SessionError` for anything but an object with the members `read_only` (boolean) and
  ///   `writers` (array of strings): a rule that is not understood must not be passed over.
  init(json text: String) throws {
    let json: JSON
    do {
      json = try JSON(parsing: text)
    } catch {
      throw SessionError(.invalidArgument, "access rules are \(error)")
    }
    guard case .object(let members) = json else {
      throw SessionError(.invalidArgument, "access rules must be a JSON object, got \(text)")
    }
    for member in members {
      guard member.key.utf8.count <= 16 else { throw Self.malformed(member.key) }
      switch (member.key, member.value) {
      case ("read_only", .boolean(let flag)): isReadOnly = flag
      case ("writers", .array(let elements)):
        writers = try elements.map { element in
          guard case .string(let name) = element else { throw Self.malformed(member.key) }
          return Wildcard(name)
        }
      default: throw Self.malformed(member.key)
      }
    }
  }

  private static func malformed(_ key: String) -> SessionError {
    SessionError(
      .invalidArgument,
      "access rule \"\(key)\" is not read_only (a boolean) or writers (an array of strings)")
  }

  /// - Throws: `SessionError` with code `permissionDenied`.
  func check(_ writer: Writer, changes variable: String) throws(SessionError) {
    if isReadOnly { throw SessionError(.permissionDenied, "\(variable) is read-only") }
    guard let writers else { return }
    let names = [writer.source.rawValue, writer.name]
    if writers.contains(where: { rule in names.contains(where: rule.matches) }) { return }
    throw SessionError(
      .permissionDenied,
      "\(writer.name) may not change \(variable); its writers are: "
        + writers.map(\.pattern).joined(separator: ", "))
  }
}
