internal import NIOCore

/// Accepts connections in turn with the input of strangers: whoever connects is one at first.
///
/// So the more strangers have something to say, the more slowly more are let in. Belongs to the listener's
/// event loop.
final class AcceptTurns: ChannelDuplexHandler, TurnTaker {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = Never

  private let turns: StrangerTurns
  private var context: ChannelHandlerContext?
  private var isWaiting = false

  init(_ turns: StrangerTurns) { self.turns = turns }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    turns.spend { context.fireChannelRead(data) }
  }

  func read(context: ChannelHandlerContext) {
    if isWaiting { return }
    if turns.isFree { return context.read() }
    isWaiting = true
    turns.wait(self)
  }

  func takeTurn() {
    isWaiting = false
    context?.read()
  }
}
