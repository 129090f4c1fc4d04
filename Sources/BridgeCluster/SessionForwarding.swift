internal import BridgeProtocol
public import BridgeService
internal import BridgeSessions
public import GRPC
internal import GRPCProtobuf
internal import Logging
internal import SwiftProtobuf

/// The RPCs of sessions and variables, where another host holds them: clients of this host reach them as if
/// they were here.
public struct SessionForwarding: Sendable {
  private let host: SessionHost

  /// Forwards to a host.
  public init(to host: SessionHost) { self.host = host }

  /// Methods of a service, with those of sessions and variables forwarded.
  ///
  /// - Parameter methods: Those of `BridgeService`.
  public func forwarding(_ methods: [RPCMethod], of service: BridgeService) -> [RPCMethod] {
    methods.map { method in
      switch method.path {
      case BridgeMethods.initializeSession.path: initializeSession(service)
      case BridgeMethods.cleanupSession.path: cleanupSession(service)
      case BridgeMethods.heartbeat.path where service.answersHeartbeats: method
      case BridgeMethods.watchVariables.path: watchVariables
      case BridgeMethods.registerTools.path: refused(method.path)
      case let path where Self.unary.contains(path): forwarded(path)
      default: method
      }
    }
  }

  private static let unary: Set<String> = [
    BridgeMethods.getSession.path, BridgeMethods.heartbeat.path,
    BridgeMethods.registerVariable.path, BridgeMethods.getVariable.path,
    BridgeMethods.setVariable.path, BridgeMethods.getVariables.path,
    BridgeMethods.setVariables.path, BridgeMethods.listVariables.path,
    BridgeMethods.deleteVariable.path, BridgeMethods.addDependency.path,
    BridgeMethods.startOptimization.path, BridgeMethods.stopOptimization.path,
    BridgeMethods.getVariableHistory.path, BridgeMethods.rollbackVariable.path,
  ]

  /// Keys that are of each connection's own.
  private static let ownKeys: Set<String> = ["authorization", "user-agent"]

  /// The client's metadata, with what shows who this host is in place of what shows who the client is.
  private func options(_ call: CallContext) -> CallOptions {
    var metadata = host.metadata
    for entry in call.metadata.entries where !Self.ownKeys.contains(entry.key) {
      metadata.add(wireValue: entry.wireValue, for: entry.key)
    }
    return CallOptions(metadata: metadata, timeout: call.timeLeft)
  }

  private func forwarded(_ path: String) -> RPCMethod {
    .asyncUnary(path) { request, call in
      try await ask(path, request, call)
    }
  }

  private func ask(
    _ path: String, _ request: [UInt8], _ call: CallContext
  ) async throws(RPCError) -> [UInt8] {
    do throws(RPCError) {
      return try await host.client.unary(path, request, options: options(call)).message
    } catch {
      throw explained(error)
    }
  }

  /// The error of a host that does not answer, with which one that is.
  private func explained(_ error: RPCError) -> RPCError {
    guard error.code == .unavailable, error.details.isEmpty else { return error }
    var error = error
    error.message = "the host at \(host.address), which holds the sessions: \(error.message)"
    return error
  }

  /// The tools in the answer are those of this host.
  private func initializeSession(_ service: BridgeService) -> RPCMethod {
    .asyncUnary(BridgeMethods.initializeSession.path) { request, call in
      let answer = try await ask(BridgeMethods.initializeSession.path, request, call)
      if let peer = service.peer {
        let message = try Snakepit_Bridge_InitializeSessionRequest(request: request)
        await withCheckedContinuation { continuation in
          peer.initialize(message.sessionID, request: request) { continuation.resume() }
        }
      }
      var response = try Snakepit_Bridge_InitializeSessionResponse(response: answer)
      response.availableTools = [:]
      return try response.rpcBytes() + service.encodedTools()
    }
  }

  private func cleanupSession(_ service: BridgeService) -> RPCMethod {
    .asyncUnary(BridgeMethods.cleanupSession.path) { request, call in
      let answer = try await ask(BridgeMethods.cleanupSession.path, request, call)
      let message = try Snakepit_Bridge_CleanupSessionRequest(request: request)
      service.endedElsewhere(message.sessionID)
      if let peer = service.peer {
        await withCheckedContinuation { continuation in
          peer.end(message.sessionID, request: request) { continuation.resume() }
        }
      }
      return answer
    }
  }

  /// The tools of clients are called over streams to the host that has the session.
  private func refused(_ path: String) -> RPCMethod {
    .asyncUnary(path) { _, _ in
      throw RPCError(
        .failedPrecondition,
        "sessions are held by the host at \(host.address): clients register their tools there",
        details: [])
    }
  }

  private var watchVariables: RPCMethod {
    let path = BridgeMethods.watchVariables.path
    return .serverStream(path) { bytes, responses, call in
      let request = try Snakepit_Bridge_WatchVariablesRequest(request: bytes)
      var position = WatchPosition(request)
      var next = bytes
      while true {
        do {
          let updates = host.client.serverStream(path, next, options: options(call))
          // Clients hand the stream to their caller when the headers come.
          _ = try await updates.metadata
          try call.start()
          for try await update in updates {
            position.note(try Snakepit_Bridge_VariableUpdate(response: update))
            try await responses.send(update)
          }
          return
        } catch let error as RPCError
          where error.code == .unavailable && !call.isOver && !Task.isCancelled
        {
          // Where something would be missing or twice, the client hears of it, and goes on by itself.
          guard let continuation = position.continuation else { throw explained(error) }
          next = try continuation.rpcBytes()
        }
        try await Task.sleep(nanoseconds: 100_000_000)
      }
    }
  }
}
