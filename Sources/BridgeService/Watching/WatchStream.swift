internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC
internal import GRPCProtobuf
internal import NIOCore
internal import SwiftProtobuf

/// One WatchVariables call.
///
/// It makes updates when the connection can take them, straight from the session's log: there is no
/// queue between the two. Used on the call's event loop only, so that exclusivity need not be checked.
final class WatchStream: ServerCallHandler, MessageSource {
  private let service: BridgeService
  private let call: ServerCall
  @exclusivity(unchecked) private var watch: Watch?
  private var binaryAcceptance = BinaryAcceptance.none
  /// The values it began with are not all sent, and count for the session.
  private var holdsSnapshot = false

  @exclusivity(unchecked) private var progress = WatchProgress(after: 0)
  private var heartbeat: RepeatedTask?
  /// Reused from fill to fill.
  @exclusivity(unchecked) private var items: [Watch.Item] = []

  /// Changes taken from the log at a time.
  private static let batch = 64

  init(service: BridgeService, call: ServerCall) {
    self.service = service
    self.call = call
  }

  deinit {
    heartbeat?.cancel()
    watch?.cancel()
    service.watchEnded(call)
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request: Snakepit_Bridge_WatchVariablesRequest = try decode(bytes)
    try mappingErrors { try begin(request) }
  }

  private func begin(_ request: Snakepit_Bridge_WatchVariablesRequest) throws {
    let interval = try heartbeatInterval(request.heartbeatIntervalMs)
    let resumes = request.startRevision != 0 || !request.epoch.isEmpty
    if resumes && request.includeInitialValues {
      throw SessionError(
        .invalidArgument,
        "include_initial_values excludes start_revision and epoch: a watch starts with the present "
          + "values or resumes after a revision")
    }
    let session = try service.sessionForUse(request.sessionID, for: call)
    binaryAcceptance = call.binaryAcceptance
    let call = self.call
    let stream = NIOLoopBound(WeakReference(self), eventLoop: call.eventLoop)
    let snapshotLost: @Sendable (Int64) -> Void = { oldest in
      call.eventLoop.execute { stream.value.object?.progress.initialValuesLost(oldest: oldest) }
    }
    holdsSnapshot = request.includeInitialValues
    let (watch, present, revision) = try session.watch(
      request.variableIdentifiers,
      from: resumes ? .after(revision: request.startRevision, epoch: request.epoch) : .now,
      conflates: request.conflate,
      snapshotLost: request.includeInitialValues ? snapshotLost : nil,
      wake: { call.wake() })
    self.watch = watch
    progress =
      request.includeInitialValues
      ? WatchProgress(
        initialValues: present, at: revision, saysSynced: request.includeSynced)
      : WatchProgress(
        after: resumes ? request.startRevision : revision,
        saysSynced: resumes && request.includeSynced)
    try service.watchBegan(call)
    scheduleHeartbeats(interval)
    call.stream(from: self)
  }

  private func heartbeatInterval(_ milliseconds: Int32) throws -> TimeAmount {
    if milliseconds == 0 { return .milliseconds(Int64(service.configuration.heartbeatInterval)) }
    guard (100...3_600_000).contains(milliseconds) else {
      throw SessionError(
        .invalidArgument,
        "heartbeat_interval_ms is \(milliseconds), it must be 0 or from 100 to 3600000")
    }
    return .milliseconds(Int64(milliseconds))
  }

  private func scheduleHeartbeats(_ interval: TimeAmount) {
    let stream = NIOLoopBound(WeakReference(self), eventLoop: call.eventLoop)
    heartbeat = call.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      guard let stream = stream.value.object else { return }
      stream.progress.heartbeatDue()
      // A watch that still has something to send says so by sending it.
      stream.watch?.session.touch()
      stream.call.wake()
    }
  }

  func fill(_ buffer: inout SendBuffer, target: Int) {
    guard let watch else { return }
    let epoch = watch.session.epoch
    while buffer.byteCount < target {
      switch progress.next() {
      case .initialValue(let variable, let revision):
        buffer.append(
          UpdateEncoding.initial(
            variable, revision: revision, epoch: epoch, form: variable.form(binaryAcceptance)))
      case .synced(let revision):
        buffer.append(UpdateEncoding.bookmark(.synced, revision: revision, epoch: epoch))
      case .takeChanges:
        if holdsSnapshot {
          holdsSnapshot = false
          watch.snapshotSent()
        }
        progress.took(takeChanges(from: watch, epoch: epoch, into: &buffer))
      case .heartbeat(let revision):
        buffer.append(UpdateEncoding.bookmark(.heartbeat, revision: revision, epoch: epoch))
      case .sessionClosed(let cause, let revision):
        buffer.append(
          UpdateEncoding.bookmark(.sessionClosed(cause), revision: revision, epoch: epoch))
        return call.finish()
      case .fellBehind(let last, let oldest):
        return call.fail(
          RPCError(
            SessionError(
              .tooOld,
              "the watch fell behind the change log: revision \(last) was the last sent, and those up "
                + "to \(oldest) are gone; read the variables again and watch from there",
              details: ["last_revision": String(last), "oldest_revision": String(oldest)])))
      case .wait: return
      }
    }
  }
}

extension WatchStream {
  /// Moves one batch of changes from the log to the buffer.
  private func takeChanges(
    from watch: Watch, epoch: String, into buffer: inout SendBuffer
  ) -> Watch.Progress {
    if binaryAcceptance != .none {
      var changes: [Change] = []
      let outcome = watch.take(&changes, limit: Self.batch)
      for change in changes {
        if change.isLastInRevision { progress.sent(change.revision) }
        let form = change.variable.form(binaryAcceptance)
        buffer.append(UpdateEncoding.change(change, epoch: epoch, form: form))
      }
      return outcome
    }
    let outcome = watch.take(&items, limit: Self.batch)
    var batch = OpenBatch()
    for item in items {
      switch item {
      case .batch(let updates):
        batch.close(watch, &buffer)
        if let revision = updates.completeRevision { progress.sent(revision) }
        buffer.append(FramedMessages(framed: updates.bytes))
      case .change(let change, let shared, let range):
        if change.isLastInRevision { progress.sent(change.revision) }
        let update =
          shared
          ?? UpdateEncoding.change(
            change, epoch: epoch, form: .json, isShared: !watch.conflates)
        if shared == nil && !watch.conflates { watch.share(update, of: change) }
        if range.isShared && !watch.conflates && update.count <= OpenBatch.updateLimit {
          if batch.isFull { batch.close(watch, &buffer) }
          batch.append(
            update, range, completeRevision: change.isLastInRevision ? change.revision : nil)
        } else {
          batch.close(watch, &buffer)
          buffer.append(update)
        }
      }
    }
    batch.close(watch, &buffer)
    items.removeAll(keepingCapacity: true)
    return outcome
  }

  /// Updates that are written one after the other, for all watches with the same filter.
  private struct OpenBatch {
    private var messages = FramedMessages()
    private var ranges: [Watch.LogRange] = []
    private var completeRevision: Int64?

    /// Larger updates are shared one by one, without a copy.
    static let updateLimit = 4096

    var isFull: Bool { messages.bytes.count >= 4 * Self.updateLimit }

    mutating func append(
      _ update: [UInt8], _ range: Watch.LogRange, completeRevision: Int64?
    ) {
      messages.append(update)
      ranges.append(range)
      if let completeRevision { self.completeRevision = completeRevision }
    }

    /// Shares and sends what there is.
    mutating func close(_ watch: Watch, _ buffer: inout SendBuffer) {
      guard !ranges.isEmpty else { return }
      watch.share(messages.bytes, of: ranges, completeRevision: completeRevision)
      buffer.append(messages)
      self = OpenBatch()
    }
  }
}

/// Lets a timer name an object without keeping it.
final class WeakReference<Object: AnyObject> {
  weak var object: Object?

  init(_ object: Object) { self.object = object }
}
