internal import BridgeProtocol
internal import BridgeTools
internal import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

/// One WatchTools call: sends all tools, and then what has changed.
///
/// There is no queue: a client that reads more slowly than tools change gets the difference between what it has
/// and what is there now.
final class ToolWatch: ServerCallHandler, MessageSource {
  private let service: BridgeService
  private let call: ServerCall
  private var watch: ToolRegistry.Watch?
  /// What the client has; nil before the first message.
  private var sent: ToolCatalog?

  init(service: BridgeService, call: ServerCall) {
    self.service = service
    self.call = call
  }

  deinit { service.watchEnded(call) }

  func receive(_ request: [UInt8]) throws(RPCError) {
    let _: BridgeHost_V1_WatchToolsRequest = try decode(request)
    try mappingErrors { try service.watchBegan(call) }
    watch = service.tools.registry.watch { [call] in call.wake() }
    call.stream(from: self)
  }

  func fill(_ buffer: inout SendBuffer, target: Int) {
    let present = service.tools.registry.catalog
    guard present !== sent else { return }
    let change = Self.change(from: sent, to: present)
    let isNews = sent == nil || !change.tools.isEmpty || !change.removed.isEmpty
    sent = present
    guard isNews else { return }
    do throws(RPCError) {
      buffer.append(try change.rpcBytes())
    } catch {
      call.fail(error)
    }
  }

  private static func change(
    from old: ToolCatalog?, to new: ToolCatalog
  ) -> BridgeHost_V1_WatchToolsResponse {
    .with { change in
      change.complete = old == nil
      for tool in new.descriptions {
        let spec = tool.wireSpec
        guard old?[tool.name]?.description.wireSpec != spec else { continue }
        change.tools.append(spec)
      }
      change.removed = (old?.descriptions ?? []).map(\.name).filter { new[$0] == nil }
    }
  }
}
