import DequeModule
import GRPC
import NIOCore

/// The answers of one call, sent one after another: each after a pause of its own, and none while
/// the client reads more slowly than they come.
///
/// Used on the call's event loop only.
final class PacedAnswers {
  private struct Answer {
    var pause: TimeAmount
    let message: [UInt8]
    let compressed: Bool?
  }

  private let call: ServerCall
  private let headers: Metadata
  private var waiting: Deque<Answer> = []
  private var ending: (pause: TimeAmount, error: RPCError?, trailers: Metadata)?
  private var timer: Scheduled<Void>?
  private var isFull = false

  /// - Parameter headers: Sent with the first answer, or before an end without one.
  init(_ call: ServerCall, headers: Metadata = Metadata()) {
    self.call = call
    self.headers = headers
    // Every answer may be compressed, and none is unless its request asks for it.
    call.compressionThreshold = .max
  }

  /// Sends the response headers now.
  func start() { call.start(metadata: headers) }

  /// - Parameter compressed: nil leaves it to the server.
  func add(_ message: [UInt8], after pause: TimeAmount = .zero, compressed: Bool? = nil) {
    waiting.append(Answer(pause: pause, message: message, compressed: compressed))
    advance()
  }

  /// Ends the call after the answers that wait. Only the first end counts.
  ///
  /// - Parameter error: nil for status OK. The trailers go out with either.
  func end(
    _ error: RPCError? = nil, trailers: Metadata = Metadata(), after pause: TimeAmount = .zero
  ) {
    guard ending == nil else { return }
    ending = (pause, error, trailers)
    advance()
  }

  /// The client has read on.
  func writable() {
    isFull = false
    advance()
  }

  /// The call is gone.
  func cancel() {
    timer?.cancel()
    timer = nil
    waiting = []
    ending = nil
  }

  private func advance() {
    while timer == nil && !isFull {
      if let pause = waiting.first?.pause, pause > .zero {
        waiting[0].pause = .zero
        wait(pause)
      } else if let answer = waiting.popFirst() {
        start()
        isFull = !call.send(answer.message, compressed: answer.compressed)
      } else if let pause = ending?.pause, pause > .zero {
        ending?.pause = .zero
        wait(pause)
      } else {
        finish()
        return
      }
    }
  }

  private func wait(_ pause: TimeAmount) {
    let answers = NIOLoopBound(self, eventLoop: call.eventLoop)
    timer = call.eventLoop.scheduleTask(in: pause) {
      answers.value.timer = nil
      answers.value.advance()
    }
  }

  private func finish() {
    guard let (_, error, trailers) = ending else { return }
    ending = nil
    // An error without headers of its own is Trailers-Only.
    if error == nil || !headers.isEmpty { start() }
    if var error {
      for entry in trailers.entries {
        error.metadata.add(wireValue: entry.wireValue, for: entry.key)
      }
      call.fail(error)
    } else {
      call.finish(trailers: trailers)
    }
  }
}
