internal import GRPC
internal import GRPCProtobuf

/// One Watch call: sends the status of a service, and again whenever it is another.
///
/// There is no queue: a client that reads more slowly than the status changes gets the newest.
final class HealthWatch: ServerCallHandler, MessageSource {
  private let status: HealthStatus
  private let call: ServerCall
  private var service = ""
  /// What was sent last; nil before the first.
  private var sent: HealthStatus.Status??

  init(status: HealthStatus, call: ServerCall) {
    self.status = status
    self.call = call
  }

  deinit { status.removeWatch(call) }

  func receive(_ request: [UInt8]) throws(RPCError) {
    service = try Grpc_Health_V1_HealthCheckRequest(request: request).service
    status.addWatch(call, of: service)
    call.stream(from: self)
  }

  func fill(_ buffer: inout SendBuffer, target: Int) {
    let (present, isLast) = status.observation(of: service)
    if sent != .some(present) {
      do throws(RPCError) {
        buffer.append(try Grpc_Health_V1_HealthCheckResponse(present).rpcBytes())
      } catch {
        call.fail(error)
        return
      }
      sent = .some(present)
    }
    if isLast { call.fail(RPCError(.unavailable, "the server is shutting down")) }
  }
}
