package import BridgeProtocol
package import BridgeSessions
internal import BridgeTools
internal import GRPC
internal import JSON

extension ExecuteToolRequest.Parameter: ArgumentSource {
  /// The parameter as a value of a type.
  package func value(as type: ValueType) throws -> Value {
    try Payload(typeURL: typeURL, value: content, binary: binary, as: type).value
  }

  /// The parameter as JSON text.
  package func json() throws -> [UInt8] {
    guard let url = TypeURL(typeURL) else {
      throw SessionError(.invalidValue, "unknown type URL \"\(typeURL)\"")
    }
    guard case .wrapper(let kind) = url.content,
      let wrapper = content.withUnsafeBytes({ WrapperMessage($0, as: kind) })
    else { return content }
    var writer = JSONWriter()
    switch wrapper {
    case .number(let number): writer.write(number)
    case .integer(let integer): writer.write(integer)
    case .unsigned(let integer): writer.write(.unsigned(integer))
    case .boolean(let flag): writer.write(flag)
    case .string(let text): writer.write(text)
    case .bytes:
      throw SessionError(.invalidValue, "expected JSON, got bytes")
    }
    return writer.bytes
  }

  /// The parameter as bytes.
  package func bytes() throws -> [UInt8] {
    if !binary.isEmpty || content.isEmpty { return binary }
    if TypeURL(typeURL)?.content == .wrapper(.bytes),
      case .bytes(let bytes) = content.withUnsafeBytes({ WrapperMessage($0, as: .bytes) })
    {
      return bytes
    }
    throw SessionError(.invalidValue, "bytes travel in binary_parameters")
  }
}

/// A request to run a tool, looked up and checked.
struct ToolRequest {
  let tool: AdmittedTool
  let session: Session
  let arguments: Arguments
  let metadata: VariableMetadata
  /// How to answer: as the parameters were written.
  let form: WireForm

  init(_ request: ExecuteToolRequest, service: BridgeService, call: ServerCall) throws {
    for parameter in request.parameters { try NameRules.checkKey(parameter.name) }
    tool = try service.tools.registry.admit(request.toolName)
    arguments = try Arguments(request.parameters, for: tool.registered.description)
    session = try service.sessionForUse(request.sessionID, for: call)
    metadata = request.metadata
    var form: WireForm = []
    for parameter in request.parameters where !parameter.typeURL.isEmpty {
      form.formUnion(TypeURL(parameter.typeURL)?.form ?? [])
    }
    self.form = form
  }
}
