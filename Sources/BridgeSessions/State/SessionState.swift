internal import DequeModule

extension Session {
  /// All that changes of a session; guarded by its lock.
  ///
  /// `SessionState+Deciding` checks what may happen, `SessionState+Applying` does it,
  /// `SessionState+Publishing` tells of it.
  struct State {
    var revision: Int64
    var variables = VariableTable()
    var lastOrdinal: Int32
    var log: ChangeLog
    var end: End?
    /// Called once the session has ended and its lock is released.
    var endHandlers: [EndHandler] = []

    var groups: [WatchFilter.Key: WatcherGroup] = [:]
    /// Those that name a variable, by that name, whether it exists or not.
    var groupsByName: [String: [WatcherGroup]] = [:]
    /// Those with patterns, or of everything.
    var broadGroups: [WatcherGroup] = []
    var watchCount = 0
    /// Those that have not sent all of the values they began with.
    var snapshotWatches: [Watch] = []
    /// Until the log begins behind this position, it has what follows their snapshots.
    var snapshotCheck = 0
    /// Watches that merge what they fall behind with.
    var conflatingWatches: [Watch] = []

    /// The past versions of variables that have been written, by ordinal.
    var histories: [Int32: VariableHistory] = [:]
    var historyBytes = 0
    /// Bytes that a name or an id has at most.
    private let identifierLength: Int
    let historyVersionLimit: Int
    let historyByteLimit: Int

    var dependencies = DependencyGraph()
    /// The names of variables that an optimizer has locked.
    var optimized: Set<String> = []
    /// How the first client to write here speaks.
    var form: WireForm?
    /// What holds until then.
    var usualForm: WireForm = []
    /// A variable may be named as another's id would be.
    var hasNamesLikeIDs = false

    var account: ByteAccount
    /// Set once the state is filled.
    var recorder: (any SessionRecorder)?
    /// The changes of the present revision so far, where there is a recorder.
    var unrecorded: [Change] = []
    var valueBytes: Int { account.bytes }

    init(
      limits: SessionLimits, budget: ByteBudget, revision: Int64, lastOrdinal: Int32
    ) {
      self.revision = revision
      self.lastOrdinal = lastOrdinal
      log = ChangeLog(limits: limits, after: revision)
      account = ByteAccount(limit: limits.sessionBytes, budget: budget)
      identifierLength = limits.nameLength + 32
      historyVersionLimit = limits.historyVersions
      historyByteLimit = limits.historyBytes
    }
  }
}

extension Session.State {
  /// A variable by id or name.
  func find(_ identifier: String) -> Variable? {
    // What no variable is called is not hashed.
    guard NameRules.isHashable(identifier, length: identifierLength) else { return nil }
    if let variable = findByID(identifier) { return variable }
    return variables[identifier]
  }

  /// A variable by its id, `var_<name>_<n>`.
  func findByID(_ identifier: String) -> Variable? {
    // By bytes: characters may join what stands on both sides of a "_".
    let text = identifier.utf8
    guard Self.isLikeID(text), let end = text.lastIndex(of: UInt8(ascii: "_")),
      let start = text.index(text.startIndex, offsetBy: 4, limitedBy: end), start < end,
      let digit = text[text.index(after: end)...].first, digit > 0x30, digit <= 0x39,
      let ordinal = Int32(identifier[text.index(after: end)...]),
      let variable = variables[String(identifier[start..<end])],
      variable.definition.ordinal == ordinal
    else { return nil }
    return variable
  }

  /// Whether a text begins as ids do, and is as long: most names are told apart by this alone.
  private static func isLikeID(_ text: String.UTF8View) -> Bool {
    text.withContiguousStorageIfAvailable { bytes in
      bytes.count >= 7 && bytes[0] == UInt8(ascii: "v") && bytes[1] == UInt8(ascii: "a")
        && bytes[2] == UInt8(ascii: "r") && bytes[3] == UInt8(ascii: "_")
    } ?? (text.count >= 7 && text.starts(with: "var_".utf8))
  }

  /// The versions held of a variable, oldest first, without the present one.
  func history(of variable: Variable) -> Deque<Variable> {
    histories[variable.definition.ordinal]?.versions ?? []
  }

  var allWatches: [Watch] { groups.values.flatMap(\.watches) }
}
