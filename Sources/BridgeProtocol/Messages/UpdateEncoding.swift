package import BridgeSessions

/// The messages of a watch stream: serialized snakepit.bridge.VariableUpdate.
package enum UpdateEncoding {
  /// A committed change.
  ///
  /// - Parameter isShared: The update will be kept with the change, so that the variable in it need
  ///   not be kept as well.
  package static func change(
    _ change: Change, epoch: String, form: ValueForm, isShared: Bool = false
  ) -> [UInt8] {
    let variable = change.variable
    let encoded =
      isShared && form == .json
      ? variable.encodings.keptJSON ?? variable.encode(form) : variable.encoded(form)
    var writer = WireWriter(reservingCapacity: encoded.count + 160)
    writer.write(variable.id, field: 1)
    writer.writeMessage(encoded, field: 2)
    writer.write(change.source, field: 3)
    writer.write(variable.writeMetadata, field: 4)
    writer.writeTimestamp(change.timestamp, field: 5)
    writer.write(change.kind.updateType, field: 6)
    writer.write(change.revision, field: 100)
    writer.write(epoch, field: 101)
    if let old = change.kind == .deleted ? variable : change.previous {
      old.writeValue(to: &writer, form, anyField: 102, binaryField: 103)
      writer.write(old.version, field: 104)
    }
    writer.write(change.kind == .deleted ? "deleted" : change.cause, field: 105)
    writer.write(!change.isLastInRevision, field: 106)
    writer.write(change.skipped, field: 107)
    writer.write(change.causedBy, field: 108)
    return writer.bytes
  }

  /// A variable as it was when the watch began.
  package static func initial(
    _ variable: Variable, revision: Int64, epoch: String, form: ValueForm
  ) -> [UInt8] {
    let encoded = variable.encoded(form)
    var writer = WireWriter(reservingCapacity: encoded.count + 96)
    writer.write(variable.id, field: 1)
    writer.writeMessage(encoded, field: 2)
    writer.write(variable.writerName, field: 3)
    writer.write(variable.writeMetadata, field: 4)
    writer.writeTimestamp(variable.updatedAt, field: 5)
    writer.write("initial_value", field: 6)
    writer.write(revision, field: 100)
    writer.write(epoch, field: 101)
    return writer.bytes
  }

  /// An update without a variable, which says that all up to `revision` has been sent.
  package enum Bookmark: Sendable {
    case synced
    case heartbeat
    case sessionClosed(Session.End)

    fileprivate var updateType: String {
      switch self {
      case .synced: "synced"
      case .heartbeat: "heartbeat"
      case .sessionClosed: "session_closed"
      }
    }
  }

  /// Encodes a bookmark.
  package static func bookmark(_ kind: Bookmark, revision: Int64, epoch: String) -> [UInt8] {
    var writer = WireWriter()
    writer.writeTimestamp(Clock.wall, field: 5)
    writer.write(kind.updateType, field: 6)
    writer.write(revision, field: 100)
    writer.write(epoch, field: 101)
    if case .sessionClosed(let cause) = kind { writer.write(cause.rawValue, field: 105) }
    return writer.bytes
  }
}

extension Change {
  /// Whose doing it was.
  fileprivate var source: String {
    switch kind {
    case .registered, .valueChanged, .constraintsChanged, .deleted: variable.writerName
    case .optimizationChanged: variable.status.optimization?.optimizer ?? "host"
    case .dependencyChanged: "host"
    }
  }
}

extension Change.Kind {
  fileprivate var updateType: String {
    switch self {
    case .registered, .valueChanged: "value_change"
    case .constraintsChanged: "constraint_change"
    case .optimizationChanged: "optimization_change"
    case .dependencyChanged: "dependency_change"
    case .deleted: "deleted"
    }
  }
}
