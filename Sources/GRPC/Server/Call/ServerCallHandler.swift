/// The events of one call. All come on the connection's event loop, one at a time.
///
/// After `cancelled` none follows.
public protocol ServerCallHandler: AnyObject {
  /// A request arrived. What is thrown ends the call.
  func receive(_ request: [UInt8]) throws(RPCError)
  /// The client has sent its last request.
  func requestsEnded() throws(RPCError)
  /// The call ended before the handler finished it: reset, disconnect or deadline.
  func cancelled(_ reason: RPCError)
  /// Answers that waited have gone out; there is room for more.
  func writable()
}

// Events that a handler does not have to take.
extension ServerCallHandler {
  /// Does nothing: for calls of one request.
  public func requestsEnded() throws(RPCError) {}
  /// Does nothing: the handler is let go of all the same.
  public func cancelled(_ reason: RPCError) {}
  /// Does nothing: for handlers that send little.
  public func writable() {}
}
