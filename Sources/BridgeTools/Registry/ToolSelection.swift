/// Which of a provider's tools are served, and under which names: for whoever serves them.
public struct ToolSelection: Sendable, Equatable {
  /// The tools that are served, by the names that they declare; nil for all.
  public var names: [String]?
  /// What stands before the names of those that have no name in `renames`.
  public var prefix = ""
  /// Other names, by those that the tools declare. They have no prefix.
  public var renames: [String: String] = [:]

  /// All tools, under their own names.
  public init() {}

  /// Why a provider cannot be served like that.
  public struct Fault: Error, Sendable, Equatable {
    /// `tools`, `prefix` or `renames`.
    public var key: String
    /// What is wrong, and what there is.
    public var message: String
  }

  /// Chooses names.
  ///
  /// - Parameter declared: The names that the tools declare, each once.
  /// - Returns: For each the name it is served by; nil for one that is not served.
  /// - Throws: `Fault` for a tool that is not there, two of one name, and a name that is none.
  public func served(_ declared: [String]) throws(Fault) -> [String?] {
    let known = Set(declared)
    if let missing = names?.first(where: { !known.contains($0) }) {
      throw Fault(key: "tools", message: Self.missing(missing, among: declared))
    }
    for name in renames.keys.sorted() {
      guard known.contains(name) else {
        throw Fault(key: "renames", message: Self.missing(name, among: declared))
      }
      if let names, !names.contains(name) {
        throw Fault(key: "renames", message: "\(name) is not among the tools that are served")
      }
    }
    var sources: [String: String] = [:]
    var result: [String?] = []
    for name in declared {
      guard names?.contains(name) ?? true else {
        result.append(nil)
        continue
      }
      let served = renames[name] ?? prefix + name
      guard ToolName.isValid(served) else {
        throw Fault(key: "prefix", message: "the name \"\(served)\" must be \(ToolName.rule)")
      }
      // What declares one name twice is the registry's to refuse.
      if let other = sources[served], other != name {
        throw Fault(
          key: "renames", message: "\(other) and \(name) would both be called \(served)")
      }
      sources[served] = name
      result.append(served)
    }
    return result
  }

  private static func missing(_ name: String, among declared: [String]) -> String {
    "there is no tool \(name); the plugin has \(declared.sorted().joined(separator: ", "))"
  }
}
