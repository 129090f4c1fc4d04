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

  /// Present values that have not been sent yet, and the revision they are of.
  @exclusivity(unchecked) private var snapshot: ArraySlice<Variable> = []
  private var snapshotRevision: Int64 = 0
  @exclusivity(unchecked) private var owesSynced = false
  @exclusivity(unchecked) private var owesHeartbeat = false
  private var heartbeat: RepeatedTask?
  /// The revision up to which everything has been sent: a client may resume after it.
  @exclusivity(unchecked) private var sentRevision: Int64 = 0
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
    let request = try Snakepit_Bridge_WatchVariablesRequest(request: bytes)
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
    let session = try service.sessionForUse(request.sessionID)
    binaryAcceptance = call.binaryAcceptance
    let call = self.call
    let (watch, present, revision) = try session.watch(
      request.variableIdentifiers,
      from: resumes ? .after(revision: request.startRevision, epoch: request.epoch) : .now,
      conflates: request.conflate,
      wake: { call.wake() })
    self.watch = watch
    sentRevision = resumes ? request.startRevision : revision
    if request.includeInitialValues {
      snapshot = present[...]
      snapshotRevision = revision
      owesSynced = true
    }
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
      stream.owesHeartbeat = true
      // A watch that still has something to send says so by sending it.
      stream.watch?.session.touch()
      stream.call.wake()
    }
  }

  func fill(_ buffer: inout OutboundBuffer, target: Int) {
    guard let watch else { return }
    let epoch = watch.session.epoch
    while let variable = snapshot.first {
      if buffer.byteCount >= target { return }
      snapshot.removeFirst()
      buffer.append(
        UpdateEncoding.initial(
          variable, revision: snapshotRevision, epoch: epoch,
          form: variable.form(binaryAcceptance)))
    }
    if owesSynced {
      owesSynced = false
      buffer.append(UpdateEncoding.bookmark(.synced, revision: snapshotRevision, epoch: epoch))
    }
    if SeededBug.heartbeatFirst.isActive && owesHeartbeat {
      owesHeartbeat = false
      let revision = watch.session.revision
      buffer.append(UpdateEncoding.bookmark(.heartbeat, revision: revision, epoch: epoch))
    }
    while buffer.byteCount < target {
      let progress = take(from: watch, epoch: epoch, into: &buffer)
      switch progress {
      case .more: continue
      case .upToDate(let revision):
        sentRevision = revision
        if owesHeartbeat {
          owesHeartbeat = false
          buffer.append(UpdateEncoding.bookmark(.heartbeat, revision: revision, epoch: epoch))
        }
        return
      case .ended(let cause, let revision):
        buffer.append(
          UpdateEncoding.bookmark(.sessionClosed(cause), revision: revision, epoch: epoch))
        call.finish()
        return
      case .fellBehind(let oldest):
        call.fail(
          RPCError(
            SessionError(
              .tooOld,
              "the watch fell behind the change log: revision \(sentRevision) was the last sent, and "
                + "those up to \(oldest) are gone; read the variables again and watch from there",
              details: [
                "last_revision": String(sentRevision), "oldest_revision": String(oldest),
              ])))
        return
      }
    }
  }
}

extension WatchStream {
  /// Moves one batch of changes from the log to the buffer.
  private func take(
    from watch: Watch, epoch: String, into buffer: inout OutboundBuffer
  ) -> Watch.Progress {
    if binaryAcceptance != .none {
      var changes: [Change] = []
      let progress = watch.take(&changes, limit: Self.batch)
      for change in changes {
        if change.isLastInRevision { sentRevision = change.revision }
        let form = change.variable.form(binaryAcceptance)
        buffer.append(UpdateEncoding.change(change, epoch: epoch, form: form))
      }
      return progress
    }
    let progress = watch.take(&items, limit: Self.batch)
    var run = OpenRun()
    for item in items {
      switch item {
      case .run(let updates):
        run.close(watch, &buffer)
        if let revision = updates.completeRevision { sentRevision = revision }
        buffer.append(FramedMessages(framed: updates.bytes))
      case .change(let change, let shared, let stretch):
        if change.isLastInRevision { sentRevision = change.revision }
        let update =
          shared
          ?? UpdateEncoding.change(
            change, epoch: epoch, form: .json, isShared: !watch.conflates)
        if shared == nil && !watch.conflates { watch.share(update, of: change) }
        if stretch.isShared && !watch.conflates && update.count <= OpenRun.updateLimit {
          if run.isFull { run.close(watch, &buffer) }
          run.append(
            update, stretch, completeRevision: change.isLastInRevision ? change.revision : nil)
        } else {
          run.close(watch, &buffer)
          buffer.append(update)
        }
      }
    }
    run.close(watch, &buffer)
    items.removeAll(keepingCapacity: true)
    return progress
  }

  /// Updates that are written one after the other, for all watches with the same interest.
  private struct OpenRun {
    private var messages = FramedMessages()
    private var stretches: [Watch.Stretch] = []
    private var completeRevision: Int64?

    /// Larger updates are shared one by one, without a copy.
    static let updateLimit = 4096

    var isFull: Bool { messages.bytes.count >= 4 * Self.updateLimit }

    mutating func append(
      _ update: [UInt8], _ stretch: Watch.Stretch, completeRevision: Int64?
    ) {
      messages.append(update)
      stretches.append(stretch)
      if let completeRevision { self.completeRevision = completeRevision }
    }

    /// Shares and sends what there is.
    mutating func close(_ watch: Watch, _ buffer: inout OutboundBuffer) {
      guard !stretches.isEmpty else { return }
      watch.share(messages.bytes, of: stretches, completeRevision: completeRevision)
      buffer.append(messages)
      self = OpenRun()
    }
  }
}

/// Lets a timer name an object without keeping it.
final class WeakReference<Object: AnyObject> {
  weak var object: Object?

  init(_ object: Object) { self.object = object }
}
