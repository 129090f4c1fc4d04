internal import BridgeProtocol
internal import BridgeSessions
public import GRPC
internal import GRPCProtobuf

/// `bridge_host.v1.ClientToolService`: clients serve the tools that they have registered.
///
/// Thread-safe.
public struct ClientToolServing: Sendable {
  /// The service's full name.
  public static let name = ClientToolMethods.service

  private let service: BridgeService

  /// Serves for the sessions and tools of a service.
  public init(_ service: BridgeService) { self.service = service }

  /// Its methods, for a `GRPCServer`.
  public var methods: [RPCMethod] {
    [
      .requestStream(ClientToolMethods.serveTools.path) { [service] in
        ClientToolStream(service: service, call: $0)
      }
    ]
  }
}

/// One ServeTools call. Used on the call's event loop only.
private final class ClientToolStream: ServerCallHandler {
  private let service: BridgeService
  private let call: ServerCall
  private var worker: ClientWorker?
  /// It does not expire while its tools are served.
  private var session: Session?

  init(service: BridgeService, call: ServerCall) {
    self.service = service
    self.call = call
  }

  deinit {
    worker?.detach(call)
    session?.endUse()
    service.watchEnded(call)
  }

  func receive(_ bytes: [UInt8]) throws(RPCError) {
    let request: BridgeHost_V1_ServeToolsRequest = try decode(bytes)
    switch request.event {
    case .open(let open):
      guard worker == nil else { throw Self.misplaced("`open` comes once") }
      try mappingErrors { try begin(open) }
    case .chunk(let chunk): try opened().take(chunk, from: call)
    case .progress(let progress): try opened().take(progress)
    case .result(let result): try opened().take(result)
    case nil: break
    }
  }

  private func begin(_ open: BridgeHost_V1_ServeToolsRequest.Open) throws {
    let session = try service.directory.session(open.sessionID)
    let worker = try service.workers.existing(open.workerID, of: session, for: call.client)
    try service.watchBegan(call)
    call.start()
    self.worker = worker
    session.beginUse()
    self.session = session
    guard let tools = worker.attach(call) else {
      throw SessionError(.sessionNotFound, "session \(open.sessionID) has ended")
    }
    let opened = BridgeHost_V1_ServeToolsResponse.with { $0.opened = .with { $0.tools = tools } }
    _ = call.send(try opened.rpcBytes())
  }

  private func opened() throws(RPCError) -> ClientWorker {
    guard let worker else { throw Self.misplaced("the first message must be `open`") }
    return worker
  }

  private static func misplaced(_ message: String) -> RPCError {
    RPCError(.invalidArgument, message, reason: .invalidArgument)
  }

  func requestsEnded() throws(RPCError) {
    worker?.detach(call)
    call.finish()
  }

  func cancelled(_ reason: RPCError) { worker?.detach(call) }

  func writable() { worker?.roomIsAvailable(in: call) }
}
