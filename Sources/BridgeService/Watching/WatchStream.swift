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

  /// What was taken from the session and is not sent yet, because its first update takes long to write.
  private struct Held {
    var updates: Updates
    /// What taking the changes came to; nil for a present value.
    let outcome: Watch.Progress?
    /// The first update, once it is made.
    var first: [UInt8]?
  }

  private enum Updates {
    case initial(Variable, revision: Int64)
    case changes(ArraySlice<Change>)
    case items(ArraySlice<Watch.Item>)
  }

  @exclusivity(unchecked) private var held: Held?

  func fill(_ buffer: inout SendBuffer, target: Int) {
    guard let watch else { return }
    let epoch = watch.session.epoch
    if let held {
      // Asked again before the update is there.
      guard let first = held.first else { return }
      self.held = nil
      guard send(held.updates, first, held.outcome, of: watch, into: &buffer) else { return }
    }
    while buffer.byteCount < target {
      switch progress.next() {
      case .initialValue(let variable, let revision):
        let updates = Updates.initial(variable, revision: revision)
        guard send(updates, nil, nil, of: watch, into: &buffer) else { return }
      case .synced(let revision):
        buffer.append(UpdateEncoding.bookmark(.synced, revision: revision, epoch: epoch))
      case .takeChanges:
        if holdsSnapshot {
          holdsSnapshot = false
          watch.snapshotSent()
        }
        guard takeChanges(from: watch, into: &buffer) else { return }
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
  ///
  /// - Returns: As `send`.
  private func takeChanges(from watch: Watch, into buffer: inout SendBuffer) -> Bool {
    if binaryAcceptance != .none {
      var changes: [Change] = []
      let outcome = watch.take(&changes, limit: Self.batch)
      return send(.changes(changes[...]), nil, outcome, of: watch, into: &buffer)
    }
    let outcome = watch.take(&items, limit: Self.batch)
    let isDone = send(.items(items[...]), nil, outcome, of: watch, into: &buffer)
    items.removeAll(keepingCapacity: true)
    return isDone
  }

  /// Sends what was taken, up to the first update that takes long to write: that is made on a thread, and the rest
  /// waits for it.
  ///
  /// - Parameters:
  ///   - first: The first update, where it is made already.
  ///   - outcome: Told to `progress` once all is sent.
  /// - Returns: Whether all is sent.
  private func send(
    _ updates: Updates, _ first: [UInt8]?, _ outcome: Watch.Progress?, of watch: Watch,
    into buffer: inout SendBuffer
  ) -> Bool {
    let epoch = watch.session.epoch
    switch updates {
    case .initial(let variable, let revision):
      let form = variable.form(binaryAcceptance)
      if let first {
        buffer.append(first)
      } else if UpdateEncoding.isLong(variable, form) {
        hold(updates, outcome, LongUpdates.Key(variable, form, epoch: epoch)) {
          UpdateEncoding.initial(variable, revision: revision, epoch: epoch, form: form)
        }
        return false
      } else {
        buffer.append(
          UpdateEncoding.initial(variable, revision: revision, epoch: epoch, form: form))
      }
    case .changes(let changes):
      for index in changes.indices {
        let change = changes[index]
        let form = change.variable.form(binaryAcceptance)
        let made = index == changes.startIndex ? first : nil
        if made == nil, UpdateEncoding.isLong(change, form) {
          hold(.changes(changes[index...]), outcome, LongUpdates.Key(change, form, epoch: epoch)) {
            UpdateEncoding.change(change, epoch: epoch, form: form)
          }
          return false
        }
        if change.isLastInRevision { progress.sent(change.revision) }
        buffer.append(made ?? UpdateEncoding.change(change, epoch: epoch, form: form))
      }
    case .items(let items):
      guard send(items, first, outcome, of: watch, into: &buffer) else { return false }
    }
    if let outcome { progress.took(outcome) }
    return true
  }

  /// The same for updates that watches with the same filter share.
  private func send(
    _ items: ArraySlice<Watch.Item>, _ first: [UInt8]?, _ outcome: Watch.Progress?,
    of watch: Watch, into buffer: inout SendBuffer
  ) -> Bool {
    let epoch = watch.session.epoch
    let isShared = !watch.conflates
    var batch = OpenBatch()
    for index in items.indices {
      switch items[index] {
      case .batch(let updates):
        batch.close(watch, &buffer)
        if let revision = updates.completeRevision { progress.sent(revision) }
        buffer.append(FramedMessages(framed: updates.bytes))
      case .change(let change, let shared, let range):
        let made = shared ?? (index == items.startIndex ? first : nil)
        if made == nil, UpdateEncoding.isLong(change, .json) {
          batch.close(watch, &buffer)
          hold(.items(items[index...]), outcome, LongUpdates.Key(change, .json, epoch: epoch)) {
            UpdateEncoding.change(change, epoch: epoch, form: .json, isShared: isShared)
          }
          return false
        }
        if change.isLastInRevision { progress.sent(change.revision) }
        let update =
          made ?? UpdateEncoding.change(change, epoch: epoch, form: .json, isShared: isShared)
        if shared == nil && isShared { watch.share(update, of: change) }
        if range.isShared && isShared && update.count <= OpenBatch.updateLimit {
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
    return true
  }

  /// Has the first of these updates made on a thread, and goes on with all of them then.
  private func hold(
    _ updates: Updates, _ outcome: Watch.Progress?, _ key: LongUpdates.Key,
    _ make: @escaping @Sendable () -> [UInt8]
  ) {
    held = Held(updates: updates, outcome: outcome)
    let call = self.call
    let stream = NIOLoopBound(WeakReference(self), eventLoop: call.eventLoop)
    service.longUpdates.make(key, on: call.onWorker, make) { update in
      call.eventLoop.execute {
        stream.value.object?.held?.first = update
        call.wake()
      }
    }
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
