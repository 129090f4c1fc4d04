/// A session at one moment, to be stored, exported or made anew.
public struct SessionImage: Sendable {
  public var id: String
  public var epoch: String
  public var metadata: [String: String]
  /// Nanoseconds since 1970.
  public var createdAt: Int64
  /// Seconds.
  public var timeToLive: Int
  public var revision: Int64
  /// The number of the last registration.
  public var lastOrdinal: Int32
  /// Oldest first.
  public var variables: [VariableImage] = []
  public var dependencies: [DependencyImage] = []

  public init(
    id: String, epoch: String, metadata: [String: String], createdAt: Int64, timeToLive: Int,
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
  public var name: String
  public var type: ValueType
  public var ordinal: Int32
  public var constraints: String
  public var accessControl: String
  public var metadata: [String: String]
  public var staleSince: Int64
  /// Oldest first; the last is the present one.
  public var versions: [VersionImage]

  public init(
    name: String, type: ValueType, ordinal: Int32, constraints: String, accessControl: String,
    metadata: [String: String], staleSince: Int64, versions: [VersionImage]
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
  public var version: Int32
  public var revision: Int64
  /// Nanoseconds since 1970.
  public var updatedAt: Int64
  public var source: Variable.Source
  public var metadata: [String: String]
  public var payload: Payload

  public init(
    version: Int32, revision: Int64, updatedAt: Int64, source: Variable.Source,
    metadata: [String: String], payload: Payload
  ) {
    self.version = version
    self.revision = revision
    self.updatedAt = updatedAt
    self.source = source
    self.metadata = metadata
    self.payload = payload
  }

  public init(_ variable: Variable) {
    self.init(
      version: variable.version, revision: variable.revision, updatedAt: variable.updatedAt,
      source: variable.source, metadata: variable.writeMetadata.dictionary,
      payload: variable.payload)
  }
}

/// A dependency of an image, by names.
public struct DependencyImage: Sendable, Equatable {
  public var source: String
  public var dependent: String
  public var type: String

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
      return (image, state.variables.values.map { ($0, state.history(of: $0)) })
    }
    var result = image
    result.variables = variables.map { variable, past in
      VariableImage(
        name: variable.name, type: variable.type, ordinal: variable.definition.ordinal,
        constraints: variable.definition.constraintsJSON,
        accessControl: variable.definition.accessControlJSON,
        metadata: variable.definition.metadata.dictionary, staleSince: variable.status.staleSince,
        versions: past.map(VersionImage.init) + [VersionImage(variable)])
    }
    result.variables.sort { $0.ordinal < $1.ordinal }
    return result
  }
}
