/// A session at one moment, to be stored, exported or made anew.
public struct SessionImage: Sendable {
  /// As `Session.id`.
  public var id: String
  /// As `Session.epoch`.
  public var epoch: String
  /// As `Session.metadata`.
  public var metadata: VariableMetadata
  /// Nanoseconds since 1970.
  public var createdAt: Int64
  /// Seconds.
  public var timeToLive: Int
  /// The number of the last change.
  public var revision: Int64
  /// The number of the last registration.
  public var lastOrdinal: Int32
  /// Oldest first.
  public var variables: [VariableImage] = []
  /// All dependencies between the variables.
  public var dependencies: [DependencyImage] = []

  /// A session without variables.
  public init(
    id: String, epoch: String, metadata: VariableMetadata, createdAt: Int64, timeToLive: Int,
    revision: Int64, lastOrdinal: Int32
  ) {
    self.id = id
    self.epoch = epoch
    self.metadata = metadata
    self.createdAt = createdAt
    self.timeToLive = timeToLive
    self.revision = revision
    self.lastOrdinal = lastOrdinal
  }
}

/// A variable of an image. Locks of optimizers are not part of it: their leases do not outlive the
/// process.
public struct VariableImage: Sendable {
  /// Unique in the session.
  public var name: String
  /// What values the variable takes.
  public var type: ValueType
  /// The number of its registration, from 1.
  public var ordinal: Int32
  /// JSON; empty for none.
  public var constraints: String
  /// JSON, see `AccessRules`; empty for none.
  public var accessControl: String
  /// The metadata of its registration.
  public var metadata: VariableMetadata
  /// As `Variable.Status.staleSince`.
  public var staleSince: Int64
  /// Oldest first; the last is the present one.
  public var versions: [VersionImage]

  /// A variable with its versions.
  public init(
    name: String, type: ValueType, ordinal: Int32, constraints: String, accessControl: String,
    metadata: VariableMetadata, staleSince: Int64, versions: [VersionImage]
  ) {
    self.name = name
    self.type = type
    self.ordinal = ordinal
    self.constraints = constraints
    self.accessControl = accessControl
    self.metadata = metadata
    self.staleSince = staleSince
    self.versions = versions
  }
}

/// One version of a variable of an image.
public struct VersionImage: Sendable {
  /// From 1, in steps of one.
  public var version: Int32
  /// The session revision that made it.
  public var revision: Int64
  /// Nanoseconds since 1970.
  public var updatedAt: Int64
  /// Who wrote it.
  public var source: Variable.Source
  /// The metadata of the write.
  public var metadata: VariableMetadata
  /// The value and how it came.
  public var payload: Payload

  /// One version.
  public init(
    version: Int32, revision: Int64, updatedAt: Int64, source: Variable.Source,
    metadata: VariableMetadata, payload: Payload
  ) {
    self.version = version
    self.revision = revision
    self.updatedAt = updatedAt
    self.source = source
    self.metadata = metadata
    self.payload = payload
  }

  /// The version as a session holds it.
  public init(_ variable: Variable) {
    self.init(
      version: variable.version, revision: variable.revision, updatedAt: variable.updatedAt,
      source: variable.source, metadata: variable.writeMetadata,
      payload: variable.payload)
  }
}

/// A dependency of an image, by names.
public struct DependencyImage: Sendable, Equatable {
  /// The name of the variable that is depended on.
  public var source: String
  /// The name of the variable that depends on it.
  public var dependent: String
  /// Free text.
  public var type: String

  /// A dependency of one variable on another.
  public init(source: String, dependent: String, type: String) {
    self.source = source
    self.dependent = dependent
    self.type = type
  }
}

extension Session {
  /// The session as it is now.
  ///
  /// - Throws: `SessionError` with code `sessionNotFound` when it has ended.
  public func image() throws -> SessionImage {
    // Only references are collected under the lock.
    let (image, variables) = try state.withLock { state in
      try checkOpen(state)
      var image = SessionImage(
        id: id, epoch: epoch, metadata: metadata, createdAt: createdAt, timeToLive: timeToLive,
        revision: state.revision, lastOrdinal: state.lastOrdinal)
      image.dependencies = state.dependencies.edges.map(DependencyImage.init)
      return (image, state.variables.all.map { ($0, state.history(of: $0)) })
    }
    var result = image
    result.variables = variables.map { variable, past in
      VariableImage(
        name: variable.name, type: variable.type, ordinal: variable.definition.ordinal,
        constraints: variable.definition.constraintsJSON,
        accessControl: variable.definition.accessControlJSON,
        metadata: variable.definition.metadata, staleSince: variable.status.staleSince,
        versions: past.map(VersionImage.init) + [VersionImage(variable)])
    }
    result.variables.sort { $0.ordinal < $1.ordinal }
    return result
  }
}
