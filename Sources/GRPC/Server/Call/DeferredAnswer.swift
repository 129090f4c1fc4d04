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
    let answer: [UInt8]
    do throws(RPCError) {
      answer = try handler(request, call)
    } catch {
      call.offloadedAnswer?.deliver = deliver
      throw error
    }
    deliver(answer, call)
  }
}
