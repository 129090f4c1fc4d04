internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
public import GRPC
internal import GRPCProtobuf
internal import JSON
internal import SwiftProtobuf

/// `bridge_host.v1.TransactionService`: changes of several variables at once, for tools that run at another
/// host and for any client.
///
/// Thread-safe.
public struct Transactions: Sendable {
  /// The service's full name.
  public static let name = TransactionMethods.service

  private let service: BridgeService

  /// Serves for the sessions of a service.
  public init(_ service: BridgeService) { self.service = service }

  /// Its methods, for a `GRPCServer`.
  public var methods: [RPCMethod] {
    let service = service
    return [
      service.answeredWhenStored(
        .unary(TransactionMethods.apply.path) { bytes, call throws(RPCError) in
          let request: BridgeHost_V1_ApplyRequest = try decode(bytes)
          // Searching for patterns may take long.
          throw call.offloadingAnswer(holding: bytes.count) { () throws(RPCError) in
            try mappingErrors { try service.apply(request, bytes, call) }
          }
        })
    ]
  }
}

extension BridgeService {
  /// Applies a transaction. It may take its time.
  fileprivate func apply(
    _ request: BridgeHost_V1_ApplyRequest, _ bytes: [UInt8], _ call: ServerCall
  ) throws -> [UInt8] {
    guard !request.steps.isEmpty else {
      throw SessionError(.invalidArgument, "a transaction has at least one step")
    }
    let session = try directory.session(request.sessionID)
    let steps = try request.steps.map { try step($0, in: session) }
    let variables: [Variable?]
    if request.dryRun {
      guard steps.count == 1 else {
        throw SessionError(
          .invalidArgument, "dry_run checks one step at a time, and got \(steps.count)")
      }
      variables = [try session.preview(steps[0])]
    } else {
      variables = try session.commit(steps)
    }
    let response = BridgeHost_V1_ApplyResponse.with { $0.epoch = session.epoch }
    let results = variables.map { variable in
      variable.map { field(1, $0, call) } ?? []
    }
    return try response.serializedBytes() + EncodedMessages.repeated(results, field: 1)
  }

  private func step(
    _ step: BridgeHost_V1_VariableStep, in session: Session
  ) throws -> TransactionStep {
    let metadata = VariableMetadata(step.metadata)
    // Tools name no family of type URLs.
    let isTool = metadata["source"]?.utf8.starts(with: "tool:".utf8) ?? false
    let writer = Writer(isTool ? .plugin : source(of: metadata), metadata: metadata)
    var result = TransactionStep(step.variable, .check, writer: writer)
    switch step.action {
    case .check: break
    case .write(let value):
      let (value, form) = try value.toolValue
      result.action = .write { definition in
        Payload(try value.converted(to: definition.type), form: isTool ? .inherited : form)
      }
    case .create(let variable):
      result.action = .register(
        try registration(step.variable, variable, in: session, isTool: isTool))
    case .replace(let variable):
      result.action = .replace(
        try registration(step.variable, variable, in: session, isTool: isTool))
    case .remove: result.action = .remove
    case nil:
      throw SessionError(.invalidArgument, "the step of \(step.variable) has no action")
    }
    guard step.expectedVersion != 0 else {
      guard step.expectedID.isEmpty else {
        throw SessionError(
          .invalidArgument,
          "expected_id goes with expected_version, which is 0 for \(step.variable)")
      }
      return result
    }
    let id =
      step.expectedID.isEmpty ? try session.get(step.variable).variable.id : step.expectedID
    result.expected = TransactionStep.Version(id: id, number: step.expectedVersion)
    return result
  }

  private func registration(
    _ name: String, _ variable: BridgeHost_V1_NewVariable, in session: Session, isTool: Bool
  ) throws -> Registration {
    let type = try valueType(variable.type)
    let (value, form) = try variable.value.toolValue
    return try session.registration(
      name: name, type: type, constraints: variable.constraintsJson,
      payload: Payload(try value.converted(to: type), form: isTool ? .inherited : form),
      metadata: VariableMetadata(variable.metadata))
  }
}

extension BridgeHost_V1_TypedValue {
  /// The value, and how its writer names types.
  fileprivate var toolValue: (value: ToolValue, form: WireForm) {
    get throws {
      let (url, text) = (value.typeURL, Array(value.value))
      guard let type = TypeURL(url)?.type else {
        guard let form = TypeURL(url)?.form, binaryValue.isEmpty else {
          throw SessionError(.invalidValue, "unknown type URL \"\(url)\"")
        }
        return (try ToolValue(checking: text), form)
      }
      let payload = try Payload(
        typeURL: url, value: text, binary: Array(binaryValue), as: type)
      return (.value(payload.value, type), payload.form)
    }
  }
}

extension ToolValue {
  /// JSON text of any type.
  fileprivate init(checking text: [UInt8]) throws {
    do {
      try text.withUnsafeBytes { try JSON.read($0) { $0.skip() } }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, "the value is not JSON: \(error.message)")
    }
    self = .json(text, .any)
  }
}
