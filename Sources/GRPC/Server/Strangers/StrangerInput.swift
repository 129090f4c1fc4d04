internal import NIOCore

/// Stands before everything else of a connection until its client has shown who it is, and gives its input on
/// in its turn with that of other strangers.
///
/// It holds no more than one read: nothing more is read until that has been given on. Belongs to the
/// channel's event loop.
final class StrangerInput: ChannelDuplexHandler, RemovableChannelHandler, TurnTaker {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let turns: StrangerTurns
  private var context: ChannelHandlerContext?
  /// What waits for a turn.
  private var held: ByteBuffer?
  /// More was asked for meanwhile.
  private var wantsMore = false
  private var isGivingOn = false
  private var isKnown = false

  /// Bytes that are read of a stranger at once.
  static let readSize = 16 * 1024

  init(_ turns: StrangerTurns) { self.turns = turns }

  /// The client has shown who it is: from now on its input waits for nothing. The handler leaves.
  func clientIsKnown() {
    guard !isKnown, let context else { return }
    isKnown = true
    // These fail only where the channel is closed.
    try? Reading.ofClients.set(on: context.channel)
    if !isGivingOn { leave(context) }
  }

  private func leave(_ context: ChannelHandlerContext) {
    self.context = nil
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    try? Reading.ofStrangers.set(on: context.channel)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    held = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    turns.spend { context.fireChannelActive() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isKnown { return context.fireChannelRead(data) }
    // Unasked, the channel reads what is left when its peer is gone. Nobody waits for that.
    guard held == nil else { return context.close(promise: nil) }
    guard turns.isFree else {
      held = unwrapInboundIn(data)
      return turns.wait(self)
    }
    isGivingOn = true
    turns.spend { context.fireChannelRead(data) }
    isGivingOn = false
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if held != nil { return }
    isGivingOn = true
    turns.spend { context.fireChannelReadComplete() }
    isGivingOn = false
    if isKnown && self.context != nil { leave(context) }
  }

  func read(context: ChannelHandlerContext) {
    if held == nil { context.read() } else { wantsMore = true }
  }

  func channelInactive(context: ChannelHandlerContext) {
    held = nil
    wantsMore = false
    turns.spend { context.fireChannelInactive() }
  }

  func takeTurn() {
    guard let context, let input = held else { return }
    held = nil
    isGivingOn = true
    context.fireChannelRead(wrapInboundOut(input))
    context.fireChannelReadComplete()
    isGivingOn = false
    // Either may have closed the channel.
    guard self.context != nil else { return }
    if wantsMore {
      wantsMore = false
      context.read()
    }
    if isKnown { leave(context) }
  }
}

/// How a connection is read.
struct Reading {
  /// How often in a turn of the event loop.
  let times: UInt
  /// Bytes at once, at most.
  let size: Int

  static let ofClients = Reading(times: 4, size: 128 * 1024)
  static let ofStrangers = Reading(times: 1, size: StrangerInput.readSize)

  var allocator: AdaptiveRecvByteBufferAllocator {
    AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: size)
  }

  /// Sets both. It must be called on the channel's event loop.
  func set(on channel: any Channel) throws {
    try channel.syncOptions?.setOption(.maxMessagesPerRead, value: times)
    try channel.syncOptions?.setOption(.recvAllocator, value: allocator)
  }
}
