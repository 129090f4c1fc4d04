/// Fills a state from an image, which is checked: it may come from a file.
extension Session.State {
  /// Of an image: nobody counts to the end of an Int64 from here.
  private static var lastRevision: Int64 { 1 << 62 }

  /// Fills an empty state.
  ///
  /// - Throws: `SessionError` for an image that contradicts itself or the limits.
  mutating func restore(
    _ image: SessionImage, _ limits: SessionLimits, _ searches: inout SearchBudget
  ) throws {
    guard image.variables.count <= limits.variablesPerSession else {
      throw SessionError(
        .limitReached,
        "\(image.variables.count) variables; a session holds \(limits.variablesPerSession) at most")
    }
    guard (0...Self.lastRevision).contains(image.revision), image.createdAt >= 0 else {
      throw SessionError(
        .invalidArgument,
        "revision \(image.revision) and creation at \(image.createdAt): the first must be from 0 to "
          + "\(Self.lastRevision), the second not negative")
    }
    guard image.timeToLive > 0, image.timeToLive <= Int(Int32.max) else {
      throw SessionError(
        .invalidArgument,
        "a time to live of \(image.timeToLive) s; it must be from 1 to \(Int32.max)")
    }
    try charge(image.metadata)
    var ordinals: Set<Int32> = []
    for variable in image.variables {
      guard variable.ordinal > 0, variable.ordinal <= image.lastOrdinal,
        ordinals.insert(variable.ordinal).inserted
      else {
        throw SessionError(
          .invalidArgument,
          "\(variable.name) has the ordinal \(variable.ordinal), which is taken "
            + "or not from 1 to \(image.lastOrdinal)")
      }
      try Registration.check(variable.name, limits)
      try restore(variable, upTo: image.revision, &searches)
    }
    for edge in image.dependencies {
      guard variables[edge.source] != nil, variables[edge.dependent] != nil else {
        throw SessionError(
          .invalidArgument,
          "a dependency of \(edge.dependent) on \(edge.source), which are not both there")
      }
      try checkDependency(edge)
      dependencies.add(edge)
    }
  }

  /// Counts what a session keeps beside its variables.
  private mutating func charge(_ metadata: VariableMetadata) throws(SessionError) {
    try account.add(metadata.size)
  }

  /// Adds a variable of an image, without a change.
  private mutating func restore(
    _ image: VariableImage, upTo revision: Int64, _ searches: inout SearchBudget
  ) throws {
    let rules = try Variable.Definition.Rules(
      constraints: image.constraints, accessControl: image.accessControl, type: image.type)
    let definition = Variable.Definition(
      name: image.name, type: image.type, ordinal: image.ordinal, rules: rules,
      metadata: image.metadata)
    guard let last = image.versions.last, variables[image.name] == nil else {
      throw SessionError(
        .invalidArgument, "\(image.name) has no version, or is there twice")
    }
    guard (0...revision).contains(image.staleSince) else {
      throw SessionError(
        .invalidArgument,
        "\(image.name) is stale since revision \(image.staleSince), which is not from 0 to \(revision)"
      )
    }
    var version: Int32 = 0
    for past in image.versions {
      guard past.version > version, past.revision > 0, past.revision <= revision else {
        throw SessionError(
          .invalidArgument,
          "version \(past.version) of \(image.name), of revision \(past.revision), is out of order")
      }
      guard past.updatedAt >= 0, past.payload.form.subtracting([.snakepitURL, .binary]).isEmpty
      else {
        throw SessionError(
          .invalidArgument,
          "version \(past.version) of \(image.name) has the time \(past.updatedAt) and the form "
            + "\(past.payload.form.rawValue), which no version has")
      }
      version = past.version
      var status = Variable.Status()
      if past.version == last.version { status.staleSince = image.staleSince }
      let variable = Variable(
        definition: definition, payload: past.payload,
        writeMetadata: past.metadata,
        source: past.source, version: past.version, revision: past.revision,
        updatedAt: past.updatedAt, status: status)
      if past.version < last.version {
        remember(variable)
      } else {
        try rules?.constraints?.check(variable.value, &searches)
        if form == nil { form = variable.payload.form }
        if image.name.hasPrefix("var_") { hasNamesLikeIDs = true }
        try account.add(variable.size + definition.size)
        variables.insert(variable)
      }
    }
  }
}
