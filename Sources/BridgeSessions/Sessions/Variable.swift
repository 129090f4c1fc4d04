/// One version of a variable. Immutable: a change makes a new one.
public final class Variable: Sendable {
  /// What a variable is, the same from version to version until its constraints change.
  public final class Definition: Sendable {
    /// Unique among the variables of a session.
    public let name: String
    /// What values the variable takes; it never changes.
    public let type: ValueType
    /// The number of this registration in its session, from 1; part of the id.
    public let ordinal: Int32
    /// Most variables have no rules, and these would make each of them twice as large.
    fileprivate let rules: Rules?
    /// The metadata given when registering.
    public let metadata: VariableMetadata

    init(
      name: String, type: ValueType, ordinal: Int32, rules: Rules?, metadata: VariableMetadata
    ) {
      self.name = name
      self.type = type
      self.ordinal = ordinal
      self.rules = rules
      self.metadata = metadata
    }

    /// What restricts the values of a variable and who writes them.
    final class Rules: Sendable {
      let constraintsJSON: String
      let constraints: Constraints?
      let accessControlJSON: String
      let access: AccessRules?

      /// - Returns: nil when both texts are empty.
      /// - Throws: `SessionError` for what is malformed.
      init?(constraints: String, accessControl: String, type: ValueType) throws {
        if constraints.isEmpty && accessControl.isEmpty { return nil }
        self.constraintsJSON = constraints
        self.constraints =
          constraints.isEmpty ? nil : try Constraints(json: constraints, for: type)
        self.accessControlJSON = accessControl
        self.access = accessControl.isEmpty ? nil : try AccessRules(json: accessControl)
      }

      /// About how many bytes it keeps alive, with what was made of the texts.
      var byteCount: Int {
        var count = 64 + constraintsJSON.utf8.count + accessControlJSON.utf8.count
        count += constraints?.byteCount ?? 0
        for writer in access?.writers ?? [] { count += 64 + 2 * writer.pattern.utf8.count }
        return count
      }
    }

    /// `var_<name>_<n>`. Made on demand: it would cost every variable an allocation to keep.
    public var id: String { "var_\(name)_\(ordinal)" }

    /// Empty where there are no constraints.
    public var constraintsJSON: String { rules?.constraintsJSON ?? "" }
    /// What values must satisfy; nil where there are no constraints.
    public var constraints: Constraints? { rules?.constraints }
    /// Empty where everybody may write.
    public var accessControlJSON: String { rules?.accessControlJSON ?? "" }
    /// Who may write; nil where everybody may.
    public var access: AccessRules? { rules?.access }

    /// The same variable under other constraints.
    func with(constraints: String) throws -> Definition {
      let rules = try Rules(
        constraints: constraints, accessControl: accessControlJSON, type: type)
      return Definition(
        name: name, type: type, ordinal: ordinal, rules: rules, metadata: metadata)
    }
  }

  /// Who wrote a version.
  public enum Source: String, Sendable {
    case elixir, python, host, plugin

    /// A source by its name, which may be any text.
    public init?(name: String) {
      guard name.utf8.count <= 16 else { return nil }
      self.init(rawValue: name)
    }
  }

  /// What holds of a variable beside its value, for the few of which something does.
  public struct Status: Sendable {
    /// The optimizer that has locked the variable.
    public var optimization: Optimization?
    /// The revision of the first change of a source that this variable has not been written since;
    /// 0 when it is up to date.
    public var staleSince: Int64 = 0

    var isPlain: Bool { optimization == nil && staleSince == 0 }
  }

  /// What the variable is.
  public let definition: Definition
  // In this order the fields leave no gaps: hosts hold millions of these.
  /// The value and how it came.
  public let payload: Payload
  /// Who wrote this version.
  public let source: Source
  /// From 1, rises by one a change.
  public let version: Int32
  /// The metadata of the write that made this version.
  public let writeMetadata: VariableMetadata
  /// The session revision that made this version.
  public let revision: Int64
  /// Nanoseconds since 1970.
  public let updatedAt: Int64
  private let boxedStatus: StatusBox?
  /// Encodings of this version, filled by whoever sends it.
  public let encodings = Encodings()

  private final class StatusBox: Sendable {
    let status: Status
    init(_ status: Status) { self.status = status }
  }

  init(
    definition: Definition, payload: Payload, writeMetadata: VariableMetadata, source: Source,
    version: Int32, revision: Int64, updatedAt: Int64, status: Status = Status()
  ) {
    self.definition = definition
    self.payload = payload
    self.writeMetadata = writeMetadata
    self.source = source
    self.version = version
    self.revision = revision
    self.updatedAt = updatedAt
    self.boxedStatus = status.isPlain ? nil : StatusBox(status)
  }

  /// The same version with another status.
  func with(_ status: Status) -> Variable {
    Variable(
      definition: definition, payload: payload, writeMetadata: writeMetadata, source: source,
      version: version, revision: revision, updatedAt: updatedAt, status: status)
  }

  /// `var_<name>_<n>`.
  public var id: String { definition.id }
  /// The name of the variable.
  public var name: String { definition.name }
  /// The type of the variable.
  public var type: ValueType { definition.type }
  /// The value of this version.
  public var value: Value { payload.value }
  /// What holds beside the value: a lock, being stale.
  public var status: Status { boxedStatus?.status ?? Status() }
  /// Whether `status` says anything.
  public var hasStatus: Bool { boxedStatus != nil }

  /// The registration's metadata, overlaid with that of the last write.
  public var metadata: VariableMetadata { writeMetadata.merging(under: definition.metadata) }

  /// The name of whoever wrote this version.
  public var writerName: String { writeMetadata["source"] ?? source.rawValue }

  /// About how many bytes this version keeps alive, without its definition.
  var size: Int { Self.size(payload, writeMetadata) }

  static func size(_ payload: Payload, _ writeMetadata: VariableMetadata) -> Int {
    160 + payload.value.heapSize + payload.attachment.count + writeMetadata.size
  }
}

extension Variable.Definition {
  /// About how many bytes it keeps alive.
  var size: Int {
    96 + name.utf8.count + metadata.size + (rules?.byteCount ?? 0)
  }
}

/// Who writes, and what is noted with the write.
public struct Writer: Sendable {
  /// The kind of client that writes.
  public var source: Variable.Source
  /// `source` names the writer, `optimizer_id` the optimizer it acts for.
  public var metadata: VariableMetadata

  /// Makes a writer of a kind, with what it notes.
  public init(_ source: Variable.Source, metadata: VariableMetadata = [:]) {
    self.source = source
    self.metadata = metadata
  }

  var name: String { metadata["source"] ?? source.rawValue }
}
