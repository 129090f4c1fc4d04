internal import Glibc
internal import NIOCore

/// What is noted of a call while it goes on, for observers. Used on the event loop only.
final class CallRecord {
  /// Of a method that the server does not have.
  var unknownPath: [UInt8] = []
  var status: StatusCode?
  var httpStatus = 0
  @exclusivity(unchecked) var requests = MessageCount()
  @exclusivity(unchecked) var responses = MessageCount()
  let startTime: Int64
  private let startedAt: NIODeadline

  struct MessageCount: Equatable {
    var messages = 0
    var bytes = 0

    mutating func add(_ size: Int) {
      messages += 1
      bytes += size
    }
  }

  init(now: NIODeadline) {
    startedAt = now
    var time = timespec()
    // Fails for a clock that does not exist alone.
    clock_gettime(CLOCK_REALTIME, &time)
    startTime = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// - Parameter method: Nil when the server does not have it.
  func finished(
    method: ServedMethod?, peer: Peer, metadataFields: [UInt8], now: NIODeadline
  ) -> FinishedCall {
    FinishedCall(
      path: method?.path ?? String(decoding: unknownPath, as: UTF8.self),
      isKnownMethod: method != nil, peer: peer, status: status ?? .cancelled,
      httpStatus: httpStatus, requestMessages: requests.messages, requestBytes: requests.bytes,
      responseMessages: responses.messages, responseBytes: responses.bytes, startTime: startTime,
      duration: now - startedAt, metadataFields: metadataFields)
  }
}
