/// What takes longer than a call's event loop has time for: the answer of a unary call, or a part of the
/// work for it.
final class OffloadedAnswer: ServerCallHandler {
  /// Returns the answer; nil when the call's handler goes on instead.
  typealias Work = @Sendable () throws(RPCError) -> [UInt8]?

  let work: Work
  /// What `work` holds of the request, in bytes.
  let byteCount: Int
  /// Who hands the answer over; nil when nobody stands between.
  var deliver: (@Sendable (_ answer: [UInt8], _ call: ServerCall) -> Void)?

  init(byteCount: Int, work: @escaping Work) {
    self.byteCount = byteCount
    self.work = work
  }

  func receive(_ request: [UInt8]) throws(RPCError) {
    preconditionFailure("the call has had its only request")
  }
}

extension ServerCall {
  /// Has the answer made on another thread, which may take its time. For a handler that `RPCMethod.unary`
  /// took, on the event loop: it throws what this returns.
  ///
  /// A connection has one such answer made at a time, so that its next one waits behind those of others.
  ///
  /// - Parameters:
  ///   - byteCount: What `work` holds of the request.
  ///   - work: Makes the answer. `isClosed` tells whether it is still waited for.
  package func offloadingAnswer(
    holding byteCount: Int, _ work: @escaping @Sendable () throws(RPCError) -> [UInt8]
  ) -> RPCError {
    offload(OffloadedAnswer(byteCount: byteCount, work: work))
  }

  /// Has a part of the work done on another thread; then the call's handler goes on. For a handler of a
  /// method that takes one request, in `receive`: it throws what this returns. Otherwise as
  /// `offloadingAnswer`.
  ///
  /// - Parameter work: Sees to it that the handler goes on. What it throws ends the call.
  package func offloading(
    holding byteCount: Int, _ work: @escaping @Sendable () throws(RPCError) -> Void
  ) -> RPCError {
    offload(
      OffloadedAnswer(byteCount: byteCount) { () throws(RPCError) in
        try work()
        return nil
      })
  }

  /// Runs what takes longer than the event loop has time for, on one of the threads that make such answers. On
  /// the event loop.
  package func onWorker(_ work: @escaping @Sendable () -> Void) {
    connection.offloadWorkers.run(work)
  }

  /// Whether a handler has just asked for one of these: what it throws then is no error.
  package var isOffloading: Bool { offloadedAnswer != nil }

  private func offload(_ answer: OffloadedAnswer) -> RPCError {
    offloadedAnswer = answer
    return RPCError(.internalError, "\(path): the error of an offloading call was not thrown on")
  }
}
