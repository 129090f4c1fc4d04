/// The answer of a unary call that takes longer than its event loop has time for.
final class OffloadedAnswer: ServerCallHandler {
  typealias Work = @Sendable () throws(RPCError) -> [UInt8]

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
    offloadedAnswer = OffloadedAnswer(byteCount: byteCount, work: work)
    return RPCError(.internalError, "\(path): the error of `offloadingAnswer` was not thrown on")
  }
}
