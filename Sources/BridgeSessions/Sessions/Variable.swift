/// One version of a variable. Immutable: a change makes a new one.
public final class Variable: Sendable {
  /// What stays the same from version to version.
  public final class Definition: Sendable {
    public let name: String
    public let type: ValueType
    /// The number of this registration in its session, from 1; part of the id.
    public let ordinal: Int32
    /// Empty where there are no constraints.
    public let constraintsJSON: String
    public var constraints: Constraints? { boxedConstraints?.constraints }
    /// Most variables have none, and these would make each of them twice as large.
    private let boxedConstraints: ConstraintsBox?
    /// The metadata given when registering.
    public let metadata: [String: String]

    init(
      name: String, type: ValueType, ordinal: Int32, constraintsJSON: String,
      constraints: Constraints?, metadata: [String: String]
    ) {
      self.name = name
      self.type = type
      self.ordinal = ordinal
      self.constraintsJSON = constraintsJSON
      self.boxedConstraints = constraints.map(ConstraintsBox.init)
      self.metadata = metadata
    }

    private final class ConstraintsBox: Sendable {
      let constraints: Constraints
      init(_ constraints: Constraints) { self.constraints = constraints }
    }

    /// `var_<name>_<n>`. Made on demand: it would cost every variable an allocation to keep.
    public var id: String { "var_\(name)_\(ordinal)" }
  }

  /// Who wrote a version.
  public enum Source: Sendable {
    case elixir, python, host, plugin
  }

  public let definition: Definition
  // In this order the fields leave no gaps: hosts hold millions of these.
  public let payload: Payload
  public let source: Source
  /// From 1, rises by one a change.
  public let version: Int32
  /// The metadata of the write that made this version.
  public let writeMetadata: [String: String]
  /// The session revision that made this version.
  public let revision: Int64
  /// Nanoseconds since 1970.
  public let updatedAt: Int64
  /// Encodings of this version, filled by whoever sends it.
  public let encodings = Encodings()

  init(
    definition: Definition, payload: Payload, writeMetadata: [String: String], source: Source,
    version: Int32, revision: Int64, updatedAt: Int64
  ) {
    self.definition = definition
    self.payload = payload
    self.writeMetadata = writeMetadata
    self.source = source
    self.version = version
    self.revision = revision
    self.updatedAt = updatedAt
  }

  public var id: String { definition.id }
  public var name: String { definition.name }
  public var type: ValueType { definition.type }
  public var value: Value { payload.value }

  /// The registration's metadata, overlaid with that of the last write.
  public var metadata: [String: String] {
    writeMetadata.isEmpty
      ? definition.metadata : definition.metadata.merging(writeMetadata) { $1 }
  }

  /// About how many bytes this version keeps alive.
  var size: Int {
    var size = 160 + value.heapSize + payload.attachment.count
    for (key, value) in writeMetadata { size += key.utf8.count + value.utf8.count + 48 }
    return size
  }
}
