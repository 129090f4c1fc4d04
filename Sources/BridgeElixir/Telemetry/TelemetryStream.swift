internal import BridgeProtocol
internal import DequeModule
internal import GRPC
internal import GRPCProtobuf
internal import Logging
internal import Threads

/// One StreamTelemetry call. Events wait in a bounded buffer until the client takes them; what there is no room
/// for is lost, and counted.
// @unchecked: `state` is behind a lock, the rest is constant.
final class TelemetryStream: ServerCallHandler, MessageSource, TelemetryListener,
  @unchecked Sendable
{
  private let streams: TelemetryStreams
  private let call: ServerCall
  private let state = Locked(State())

  private struct State {
    var filter = TelemetryFilter()
    var waiting: Deque<[UInt8]> = []
    var lost = 0
    var isEnding = false
  }

  /// Events that wait at most.
  static let bufferLimit = 1024

  init(_ streams: TelemetryStreams, _ call: ServerCall) {
    self.streams = streams
    self.call = call
  }

  /// The client goes on when the response headers come, before there is any event.
  func begin() { call.stream(from: self) }

  // MARK: As a listener

  var isListening: Bool { state.withLock { $0.filter.isEnabled && !$0.isEnding } }

  func take(_ record: TelemetryRecord) {
    let isWanted = state.withLock { state in
      !state.isEnding && state.filter.admits(record.name.rawValue) { Double.random(in: 0..<1) }
    }
    guard isWanted else { return }
    let event = record.event
    let mustWake = state.withLock { state -> Bool in
      guard state.waiting.count < Self.bufferLimit else {
        state.lost += 1
        return false
      }
      state.waiting.append(event)
      return state.waiting.count == 1
    }
    if mustWake { call.wake() }
  }

  /// Ends the call well, after what waits.
  func end() {
    state.withLock { $0.isEnding = true }
    call.wake()
  }

  // MARK: On the event loop

  func fill(_ buffer: inout SendBuffer, target: Int) {
    var isOver = false
    while buffer.byteCount < target {
      let next = state.withLock { state -> [UInt8]? in
        let next = state.waiting.popFirst()
        isOver = next == nil && state.isEnding
        return next
      }
      guard let next else { break }
      buffer.append(next)
    }
    tellLoss()
    if isOver { call.finish() }
  }

  private func tellLoss() {
    let lost = state.withLock { state in
      defer { state.lost = 0 }
      return state.lost
    }
    guard lost > 0 else { return }
    streams.logger.warning(
      "telemetry events were lost: nobody read them in time", metadata: ["count": "\(lost)"])
  }

  func receive(_ request: [UInt8]) throws(RPCError) {
    let control = try Snakepit_Bridge_TelemetryControl(request: request)
    let isTaken = state.withLock { state -> Bool in
      switch control.control {
      case .toggle(let toggle): state.filter.toggle(toggle.enabled)
      case .sampling(let sampling):
        return state.filter.sample(sampling.samplingRate, of: sampling.eventPatterns)
      case .filter(let filter):
        return state.filter.filter(allow: filter.allow, deny: filter.deny)
      case nil: break
      }
      return true
    }
    guard isTaken else {
      streams.ended(self)
      throw RPCError(
        .invalidArgument,
        "at most \(TelemetryFilter.limit) patterns of events are taken, and as many rates")
    }
    streams.telemetry.changed(self)
  }

  /// The client says no more, and goes on listening.
  func requestsEnded() throws(RPCError) {}

  func cancelled(_ reason: RPCError) { streams.ended(self) }
}
