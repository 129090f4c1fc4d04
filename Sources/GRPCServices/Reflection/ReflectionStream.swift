internal import DequeModule
internal import GRPC
internal import GRPCProtobuf

/// One ServerReflectionInfo call: answers each request, in order.
///
/// A response is made when the connection can take it: what a client asks for and does not read
/// costs the server no more than the requests themselves.
final class ReflectionStream: ServerCallHandler, MessageSource {
  private let service: ReflectionService
  private let call: ServerCall
  private var waiting: Deque<Grpc_Reflection_V1_ServerReflectionRequest> = []
  private var hasAllRequests = false

  /// Requests that may wait for their answers to be read.
  private static let waitingLimit = 1000

  init(service: ReflectionService, call: ServerCall) {
    self.service = service
    self.call = call
  }

  func receive(_ request: [UInt8]) throws(RPCError) {
    guard waiting.count < Self.waitingLimit else {
      throw RPCError(
        .resourceExhausted, "\(Self.waitingLimit) requests wait for their answers to be read",
        isTransient: true)
    }
    waiting.append(try Grpc_Reflection_V1_ServerReflectionRequest(request: request))
    call.stream(from: self)
  }

  func requestsEnded() {
    hasAllRequests = true
    call.stream(from: self)
  }

  func fill(_ buffer: inout SendBuffer, target: Int) {
    do throws(RPCError) {
      while buffer.byteCount < target, let request = waiting.popFirst() {
        buffer.append(try service.answer(to: request).rpcBytes())
      }
    } catch {
      call.fail(error)
      return
    }
    if waiting.isEmpty && hasAllRequests { call.finish() }
  }
}
