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

  /// - Parameter searches: What the patterns of the tool's parameters may take.
  /// - Throws: `SearchInterruption` besides errors; nothing has been made then.
  init(
    _ request: ExecuteToolRequest, service: BridgeService, call: ServerCall,
    _ searches: inout SearchBudget
  ) throws {
    for parameter in request.parameters { try NameRules.checkKey(parameter.name) }
    tool = try service.tools.registry.admit(request.toolName)
    arguments = try Arguments(request.parameters, for: tool.registered.description, &searches)
    session = try service.sessionForUse(request.sessionID, for: call)
    metadata = request.metadata
    var form: WireForm = []
    for parameter in request.parameters where !parameter.typeURL.isEmpty {
      form.formUnion(TypeURL(parameter.typeURL)?.form ?? [])
    }
    self.form = form
  }
}

/// Begins a call of a tool once its request is read.
protocol ToolStarter: AnyObject, Sendable {
  /// On the call's event loop. What it throws ends the call.
  func begin(_ request: ToolRequest) throws
}

extension BridgeService {
  /// Begins a call of a tool, at once or, when the patterns of its parameters take long to search for, on the
  /// call's event loop after a thread has done that.
  ///
  /// - Parameter byteCount: Of the message.
  /// - Throws: What a handler throws on.
  func read(
    _ message: ExecuteToolRequest, of byteCount: Int, for call: ServerCall,
    _ starter: any ToolStarter
  ) throws(RPCError) {
    do {
      var searches = SearchBudget.brief
      try starter.begin(ToolRequest(message, service: self, call: call, &searches))
    } catch SearchInterruption.needsTime {
      throw call.offloading(holding: byteCount) { () throws(RPCError) in
        let request = try mappingErrors {
          var searches = SearchBudget.ofTool { call.isClosed }
          return try ToolRequest(message, service: self, call: call, &searches)
        }
        call.eventLoop.execute {
          if call.isClosed { return }
          do { try starter.begin(request) } catch { call.fail(RPCError(mapping: error)) }
        }
      }
    } catch {
      throw RPCError(mapping: error)
    }
  }
}
