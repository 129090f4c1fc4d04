/// A unary call whose answer is delivered later.
final class DeferredAnswer: ServerCallHandler {
  private let call: ServerCall
  private let handler: RPCMethod.InlineHandler
  private let deliver: @Sendable ([UInt8], ServerCall) -> Void

  init(
    call: ServerCall, handler: @escaping RPCMethod.InlineHandler,
    deliver: @escaping @Sendable ([UInt8], ServerCall) -> Void
  ) {
    self.call = call
    self.handler = handler
    self.deliver = deliver
  }

  func receive(_ request: [UInt8]) throws(RPCError) {
    deliver(try handler(request, call), call)
  }
}
