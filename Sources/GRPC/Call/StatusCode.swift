/// A gRPC status code.
///
/// Source: https://grpc.io/docs/guides/status-codes/
public enum StatusCode: Int32, Sendable, Hashable {
  /// Success. Nothing throws it.
  case ok = 0
  /// The caller has cancelled the call, or is gone.
  case cancelled = 1
  /// An error of which nothing more is known: a handler threw what is no `RPCError`.
  case unknown = 2
  /// The request is wrong, whatever the state of the server.
  case invalidArgument = 3
  /// The time ran out; the work may have been done all the same.
  case deadlineExceeded = 4
  /// What was asked for is not there.
  case notFound = 5
  /// What was to be made is there already.
  case alreadyExists = 6
  /// The caller is known and may not do this.
  case permissionDenied = 7
  /// A limit or a quota is used up, or a message is too large.
  case resourceExhausted = 8
  /// The server is not in the state the call needs; trying again does not help before that
  /// changes.
  case failedPrecondition = 9
  /// The work was given up, for example because another call got in its way: try again from the
  /// start.
  case aborted = 10
  /// The request goes past the end of what there is.
  case outOfRange = 11
  /// The server has no such method, or does not read what the call sent.
  case unimplemented = 12
  /// Something that must hold does not: a bug of either side, or a broken message. INTERNAL on the
  /// wire.
  case internalError = 13
  /// The service cannot be reached or is shutting down: try again after a while.
  case unavailable = 14
  /// Data is lost or damaged beyond repair.
  case dataLoss = 15
  /// The caller has not shown who it is.
  case unauthenticated = 16
}
