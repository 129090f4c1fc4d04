/// The events of a call whose handler is a task.
final class TaskHandler: ServerCallHandler {
  /// Answers one request; nil as the answer ends the call without one.
  typealias OneRequestBody = @Sendable ([UInt8], TaskCall) async throws -> [UInt8]?

  private let call: TaskCall
  /// Begins with the only request.
  private let body: OneRequestBody?
  private var task: Task<Void, Never>?

  /// A handler that begins when its only request is there.
  init(_ call: ServerCall, _ body: @escaping OneRequestBody) {
    self.call = TaskCall(call)
    self.body = body
  }

  /// A handler that begins now, and reads its requests.
  init(_ call: ServerCall, _ body: @escaping @Sendable (TaskCall) async throws -> [UInt8]?) {
    let call = TaskCall(call)
    self.call = call
    self.body = nil
    task = call.run { try await body(call) }
  }

  func receive(_ request: [UInt8]) {
    guard let body else { return call.receive(request) }
    call.receivedOnlyRequest()
    let call = call
    task = call.run { try await body(request, call) }
  }

  func requestsEnded() { call.requestsEnded() }

  func cancelled(_ reason: RPCError) {
    call.end(for: reason)
    task?.cancel()
  }

  func writable() { call.writable() }
}
