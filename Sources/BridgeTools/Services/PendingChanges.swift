internal import BridgeSessions

/// The changes that a transaction holds back, and the variables as they look with them.
///
/// Of each variable there is one change: what the writes so far amount to. A change that is refused
/// leaves everything as it was; several are tried on a copy.
struct PendingChanges {
  /// Variables that may be changed. As many as a request may name: they are changed under one lock.
  static let limit = 10_000

  private struct Entry {
    var change: PendingChange
    /// The variable as the call sees it; nil when the call has removed it.
    var snapshot: VariableSnapshot?
    /// The version that was there before the call's first change; nil where there was none.
    let base: PendingChange.Version?

    /// Whether the variable is one that the call has created.
    var isNew: Bool {
      switch change.action {
      case .create, .replace: true
      case .check, .write, .remove: false
      }
    }

    /// Whether nothing is changed: others may change the variable, and the commit is refused then.
    var isCheck: Bool { if case .check = change.action { true } else { false } }

    /// Whether an id is that of the variable whose place the call has given to another.
    func hasReplaced(_ identifier: String) -> Bool {
      isNew && identifier == base?.id
    }
  }

  /// By name.
  private var entries: [String: Entry] = [:]
  /// The names of `entries`, in the order of the first changes.
  private var names: [String] = []
  /// The names of variables that were there before, by id.
  private var namesByID: [String: String] = [:]

  var isEmpty: Bool { entries.isEmpty }

  /// What is to be committed.
  var changes: [PendingChange] { names.compactMap { entries[$0]?.change } }

  // MARK: Reading

  /// What is known of a variable.
  enum Finding {
    /// Nothing was changed.
    case unknown
    case changed(VariableSnapshot)
    case removed
  }

  func find(_ identifier: String) -> Finding {
    guard let entry = entries[namesByID[identifier] ?? identifier], !entry.isCheck else {
      return .unknown
    }
    guard let snapshot = entry.snapshot, !entry.hasReplaced(identifier) else { return .removed }
    return .changed(snapshot)
  }

  /// A listing with the changes; what was created comes last.
  func overlaid(
    _ listed: [VariableSnapshot], _ matches: (String) -> Bool
  ) -> [VariableSnapshot] {
    var seen: Set<String> = []
    var result = listed.compactMap { snapshot -> VariableSnapshot? in
      guard let entry = entries[snapshot.name], !entry.isCheck else { return snapshot }
      seen.insert(snapshot.name)
      return entry.snapshot
    }
    for name in names where !seen.contains(name) && matches(name) {
      guard let entry = entries[name], !entry.isCheck, let snapshot = entry.snapshot else {
        continue
      }
      result.append(snapshot)
    }
    return result
  }

  // MARK: Changing

  /// Adds a change, once it is checked.
  ///
  /// - Parameter services: Those that the changes are held back from.
  /// - Returns: The variable as the call sees it from now on; nil when it is removed.
  /// - Throws: What making the change would throw.
  mutating func add(
    _ change: PendingChange, over services: any CallServices
  ) throws -> VariableSnapshot? {
    let name = namesByID[change.identifier] ?? change.identifier
    if let entry = entries[name] { return try add(change, to: entry, name, over: services) }
    switch change.action {
    case .remove, .replace: return try addRemoval(change, over: services)
    case .check, .write, .create: break
    }
    guard let snapshot = try services.preview(change) else { return nil }
    // The name, where the change came with an id.
    if let entry = entries[snapshot.name] {
      return try add(change, to: entry, snapshot.name, over: services)
    }
    switch change.action {
    case .create:
      // It has no id yet.
      let snapshot = snapshot.with(id: snapshot.name, version: snapshot.version)
      try insert(change, snapshot, base: nil)
      return snapshot
    case .write:
      try insert(
        change, snapshot,
        base: PendingChange.Version(id: snapshot.id, number: snapshot.version - 1))
    case .check:
      try insert(
        change, snapshot, base: PendingChange.Version(id: snapshot.id, number: snapshot.version))
    case .replace, .remove: break
    }
    return snapshot
  }

  private mutating func addRemoval(
    _ change: PendingChange, over services: any CallServices
  ) throws -> VariableSnapshot? {
    let present = try services.get(change.identifier)
    if let entry = entries[present.name] {
      return try add(change, to: entry, present.name, over: services)
    }
    let snapshot = try services.preview(change)
      .map { $0.with(id: present.name, version: $0.version) }
    try insert(
      change, snapshot, base: PendingChange.Version(id: present.id, number: present.version),
      name: present.name)
    return snapshot
  }

  private mutating func insert(
    _ change: PendingChange, _ snapshot: VariableSnapshot?, base: PendingChange.Version?,
    name: String? = nil
  ) throws(SessionError) {
    guard entries.count < Self.limit else {
      throw SessionError(
        .limitReached, "a call of an atomic tool changes at most \(Self.limit) variables",
        details: ["limit": "\(Self.limit)"])
    }
    let name = name ?? snapshot?.name ?? change.identifier
    entries[name] = Entry(change: change, snapshot: snapshot, base: base)
    names.append(name)
    if let base { namesByID[base.id] = name }
  }

  /// Adds a change of a variable that has been changed before.
  private mutating func add(
    _ change: PendingChange, to entry: Entry, _ name: String, over services: any CallServices
  ) throws -> VariableSnapshot? {
    var entry = entry
    if entry.hasReplaced(change.identifier) { throw Self.notFound(change.identifier) }
    guard let present = entry.snapshot else {
      guard case .create(let new) = change.action else { throw Self.notFound(change.identifier) }
      entry.change.action = .replace(new)
      return try store(entry, change, name, version: 1, over: services)
    }
    if let expected = change.expected {
      try Self.check(expected, of: present)
      // As nobody else may have changed it, the version before must be what the call saw.
      if !entry.isNew { entry.change.expected = entry.base }
    }
    switch (change.action, entry.change.action) {
    case (.check, _):
      entries[name] = entry
      return present
    case (.write(let value), .check), (.write(let value), .write):
      entry.change.action = .write(value)
    case (.write(let value), .create(var new)):
      new.value = value
      entry.change.action = .create(new)
    case (.write(let value), .replace(var new)):
      new.value = value
      entry.change.action = .replace(new)
    case (.replace(let new), .create):
      entry.change.action = .create(new)
      return try store(entry, change, name, version: 1, over: services)
    case (.replace(let new), _):
      entry.change.action = .replace(new)
      return try store(entry, change, name, version: 1, over: services)
    case (.remove, .create):
      entries[name] = nil
      names.removeAll { $0 == name }
      return nil
    case (.remove, _):
      entry.change.action = .remove
      entry.change.tool = change.tool
      _ = try Self.preview(entry.change, services)
      entry.snapshot = nil
      entries[name] = entry
      return nil
    default:
      throw SessionError(
        .alreadyExists, "Variable already exists: \(name) (version \(present.version))")
    }
    return try store(entry, change, name, version: present.version + 1, over: services)
  }

  /// Keeps a change that makes a version.
  private mutating func store(
    _ entry: Entry, _ change: PendingChange, _ name: String, version: Int32,
    over services: any CallServices
  ) throws -> VariableSnapshot? {
    var entry = entry
    entry.change.metadata = change.metadata
    entry.change.tool = change.tool
    guard let snapshot = try Self.preview(entry.change, services) else { return nil }
    entry.snapshot = snapshot.with(id: entry.isNew ? name : snapshot.id, version: version)
    entries[name] = entry
    return entry.snapshot
  }

  /// Checks a change of a variable that has been changed before. Whether others have changed it meanwhile
  /// shows at the commit: a tool that tries again would see no other version than its own.
  private static func preview(
    _ change: PendingChange, _ services: any CallServices
  ) throws -> VariableSnapshot? {
    var change = change
    change.expected = nil
    return try services.preview(change)
  }

  private static func check(
    _ expected: PendingChange.Version, of present: VariableSnapshot
  ) throws(SessionError) {
    if expected.id == present.id && expected.number == present.version { return }
    throw SessionError(
      .versionMismatch,
      "Version mismatch for \(present.name): expected \(expected.number), current version is "
        + "\(present.version)",
      details: ["variable": present.name, "current_version": "\(present.version)"])
  }

  static func notFound(_ identifier: String) -> SessionError {
    SessionError(
      .variableNotFound, "Variable not found: \(identifier)", details: ["variable": identifier])
  }
}

extension VariableSnapshot {
  /// The same version under another id and number, of no revision.
  fileprivate func with(id: String, version: Int32) -> VariableSnapshot {
    VariableSnapshot(
      VariableFacts(
        id: id, name: name, type: type, value: value, version: version, revision: 0,
        updatedAt: updatedAt, writer: writer, constraintsJSON: constraintsJSON, metadata: metadata))
  }
}
