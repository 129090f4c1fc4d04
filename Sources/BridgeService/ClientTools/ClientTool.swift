internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import GRPC
internal import SwiftProtobuf

/// Tools that a client has registered together.
final class ClientToolBatch: ToolProvider {
  let id: String
  let name: String
  let version = ""
  let tools: [any Tool]

  /// - Throws: `ToolsError` or `SessionError` that says what is wrong with a registration.
  init(_ registrations: [Snakepit_Bridge_ToolRegistration], of worker: ClientWorker) throws {
    id = "client:\(worker.id)/\(worker.nextBatch())"
    name = worker.id
    tools = try registrations.map { ClientTool(try $0.description(of: worker), of: worker) }
  }

  func retire() {}
}

/// A tool that a client serves: its calls are handed on.
private final class ClientTool: Tool {
  let description: ToolDescription
  private let worker: ClientWorker

  init(_ description: ToolDescription, of worker: ClientWorker) {
    self.description = description
    self.worker = worker
  }

  func run(_ call: ToolCall) { worker.run(call) }
}

extension Snakepit_Bridge_ToolRegistration {
  fileprivate func description(of worker: ClientWorker) throws -> ToolDescription {
    guard ToolName.isValid(name) else {
      throw ToolsError(
        .invalidParameter, "the name \"\(name.prefix(200))\" of a tool must be \(ToolName.rule)",
        details: ["parameter": "tools"])
    }
    var parameters: [ParameterDescription] = []
    for parameter in self.parameters {
      do {
        guard !parameters.contains(where: { $0.name == parameter.name }) else {
          throw ToolsError(.invalidParameter, "it is declared twice")
        }
        parameters.append(try parameter.description)
      } catch {
        throw ToolsError(
          .invalidParameter, "tool \(name): parameter \(parameter.name): \(error)",
          details: ["parameter": "tools"])
      }
    }
    var description = ToolDescription(
      name: name, description: description_p, parameters: parameters, plugin: worker.id)
    description.streams = supportsStreaming
    // That it only reads cannot be enforced, so it is not taken for it.
    description.isDestructive = metadata["destructive"] == "true"
    description.isIdempotent = metadata["idempotent"] == "true"
    description.isOpenWorld = true
    description.execution = .forwarded
    return description
  }
}

extension Snakepit_Bridge_ParameterSpec {
  fileprivate var description: ParameterDescription {
    get throws {
      guard ToolName.isValid(name) else {
        throw ToolsError(.invalidParameter, "the name must be \(ToolName.rule)")
      }
      guard let type = ToolType(name: type) else {
        throw ToolsError(.invalidParameter, "there is no type \"\(type.prefix(80))\"")
      }
      return try ParameterDescription(
        name: name, description: description_p, type: type, isRequired: required,
        defaultValue: hasDefaultValue ? try defaultValue(of: type) : nil,
        constraintsJSON: validationJson)
    }
  }

  private func defaultValue(of type: ToolType) throws -> ToolValue {
    let bytes = Array(defaultValue.value)
    switch type {
    case .value(let type):
      let payload = try Payload(
        typeURL: defaultValue.typeURL, value: bytes, binary: [], as: type)
      return .value(payload.value, type)
    case .bytes: throw ToolsError(.invalidParameter, "a parameter of type bytes has no default")
    case .object, .array, .any:
      guard TypeURL(defaultValue.typeURL)?.content == .json else {
        throw ToolsError(.invalidParameter, "the default must be JSON")
      }
      return .json(try CheckedJSON.check(bytes, is: type), type)
    }
  }
}

extension BridgeService {
  func registerTools(
    _ request: Snakepit_Bridge_RegisterToolsRequest, _ call: ServerCall
  ) throws -> Snakepit_Bridge_RegisterToolsResponse {
    guard !request.tools.isEmpty else {
      throw ToolsError(
        .invalidParameter, "there are no tools to register", details: ["parameter": "tools"])
    }
    try NameRules.checkKey(request.workerID)
    let session = try directory.session(request.sessionID)
    let (count, bytes) = (request.tools.count, try request.serializedData().count)
    let worker = try workers.reserve(
      count, bytes: bytes, for: request.workerID, of: session, by: call.client)
    let batch: ClientToolBatch
    do {
      batch = try ClientToolBatch(request.tools, of: worker)
      try tools.register(batch, in: session)
    } catch {
      workers.giveBack(count, bytes: bytes, of: worker, in: session)
      throw error
    }
    let names = batch.tools.map(\.description.name)
    worker.registered(names)
    logger.info(
      "tools of a client registered",
      metadata: ["session": "\(session.id)", "worker": "\(worker.id)", "tools": "\(names.count)"])
    return .with { response in
      response.success = true
      for name in names { response.toolIds[name] = "\(worker.id)/\(name)" }
    }
  }
}
