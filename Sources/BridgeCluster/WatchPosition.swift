internal import BridgeProtocol

/// How far a watch has come, so that it can go on over another stream.
struct WatchPosition {
  private let request: Snakepit_Bridge_WatchVariablesRequest
  /// The last revision of which everything has come, and its epoch.
  private var complete: (revision: Int64, epoch: String)?
  /// Whether the changes after the present values have begun.
  private var isPastInitialValues: Bool

  init(_ request: Snakepit_Bridge_WatchVariablesRequest) {
    self.request = request
    isPastInitialValues = !request.includeInitialValues
    if !request.epoch.isEmpty { complete = (request.startRevision, request.epoch) }
  }

  /// Whether everything has come of what has come of a revision, so that nothing is missing or twice when
  /// the watch goes on from there.
  private(set) var isAtRevisionEnd = true

  /// Takes note of an update.
  mutating func note(_ update: Snakepit_Bridge_VariableUpdate) {
    switch update.updateType {
    case "initial_value":
      // Whether it was the last one is not known before `synced` or the first change.
      isAtRevisionEnd = false
    default:
      isPastInitialValues = true
      isAtRevisionEnd = !update.moreInRevision
      if isAtRevisionEnd { complete = (update.revision, update.epoch) }
    }
  }

  /// The request of the stream that goes on; nil where it cannot, without something twice or missing.
  var continuation: Snakepit_Bridge_WatchVariablesRequest? {
    guard isPastInitialValues, isAtRevisionEnd, let complete else { return nil }
    var next = request
    next.includeInitialValues = false
    next.includeSynced = false
    next.startRevision = complete.revision
    next.epoch = complete.epoch
    return next
  }
}
