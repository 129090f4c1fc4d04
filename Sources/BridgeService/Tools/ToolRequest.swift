package import BridgeProtocol
package import BridgeSessions
internal import BridgeTools
internal import GRPC

extension ExecuteToolRequest: ArgumentList {
  /// How many parameters the request has.
  package var count: Int { parameters.count }
  /// The name of one.
  package func name(at place: Int) -> String { parameters[place].name }
  /// One as a value of a type.
  package func value(at place: Int, as type: ValueType) throws -> Value {
    try parameters[place].value(as: type)
  }
  /// One as JSON text.
  package func json(at place: Int) throws -> [UInt8] { try parameters[place].json() }
  /// One as bytes.
  package func bytes(at place: Int) throws -> [UInt8] { try parameters[place].bytes() }
}

extension ExecuteToolRequest {
  /// With what the call's headers say of the work it belongs to, where its metadata does not.
  fileprivate func joined(by call: ServerCall) -> ExecuteToolRequest {
    var joined = self
    for (header, key): (StaticString, String) in [
      ("x-snakepit-correlation-id", "correlation_id"), ("traceparent", "traceparent"),
    ] where call.hasMetadata(header) && metadata[key] == nil {
      joined.metadata[key] = call.metadata["\(header)"]
    }
    return joined
  }
}

extension ExecuteToolRequest.Parameter {
  /// The parameter as JSON text.
  func json() throws -> [UInt8] {
    guard let url else {
      throw SessionError(.invalidValue, "unknown type URL \"\(typeURL)\"")
    }
    // Snakepit 0.4 describes a list of more than 1,280 numbers so, and leaves its bytes out.
    if url.content == .binary, binaryIsEmpty {
      throw SessionError(
        .invalidValue,
        "only the description of the numbers has come (type URL \"\(typeURL)\"), not their bytes: this "
          + "client leaves them out of long lists; give it shorter ones")
    }
    guard case .wrapper(let kind) = url.content,
      let wrapper = withContent({ WrapperMessage($0, as: kind) })
    else { return content }
    guard let json = wrapper.json else {
      throw SessionError(.invalidValue, "expected JSON, got bytes")
    }
    return json
  }

  /// The parameter as bytes.
  func bytes() throws -> [UInt8] {
    let content = content
    if !binaryIsEmpty || content.isEmpty { return binary }
    if url?.content == .wrapper(.bytes),
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
  let session: any ToolSession
  let arguments: Arguments
  let metadata: VariableMetadata
  /// How to answer: as the parameters were written.
  let form: WireForm
  /// Whose call it is.
  let client: UInt64

  /// - Parameter searches: What the patterns of the tool's parameters may take.
  /// - Throws: `SearchInterruption` besides errors; nothing has been made then.
  init(
    _ request: borrowing ExecuteToolRequest, service: BridgeService, client: UInt64,
    _ searches: inout SearchBudget
  ) throws {
    var form = service.configuration.answers.form
    try searches.checkText(request.textSize)
    // By place: a parameter is more to copy than to look at.
    for place in request.parameters.indices {
      try NameRules.checkKey(request.parameters[place].name)
      if request.parameters[place].hasURL, let url = request.parameters[place].url {
        form.formUnion(url.form)
      }
    }
    self.form = form
    self.client = client
    let sessionID = service.sessionID(of: request)
    tool = try service.tools.admit(request.toolName, in: sessionID)
    arguments = try Arguments(request, for: tool, &searches)
    session =
      try service.toolSessions?.toolSession(sessionID)
      ?? service.sessionForUse(sessionID, client: client)
    metadata = request.metadata
  }
}

/// Begins a call of a tool once its request is read.
protocol ToolStarter: AnyObject, Sendable {
  /// On the call's event loop. What it throws ends the call.
  func begin(_ request: ToolRequest) throws
  /// Ends the call, which does not begin. Any thread.
  func refuse(_ error: RPCError)
}

extension BridgeService {
  /// The session that a tool is called in.
  fileprivate func sessionID(of request: borrowing ExecuteToolRequest) -> String {
    guard let key = configuration.sessionKey, let id = request.metadata[key] else {
      return request.sessionID
    }
    return id
  }

  /// Begins a call of a tool, at once or, when the patterns of its parameters take long to search for, on the
  /// call's event loop after a thread has done that.
  ///
  /// - Parameter byteCount: Of the message.
  /// - Throws: What a handler throws on.
  func read(
    _ message: ExecuteToolRequest, of byteCount: Int, for call: ServerCall,
    _ starter: any ToolStarter
  ) throws(RPCError) {
    // The event loop's to ask.
    let client = call.client
    let message = configuration.takesTracingHeaders ? message.joined(by: call) : message
    // No closure is made of it unless it is needed.
    @Sendable func beginLater() {
      tools.threads.deliver { self.begin(message, for: call, client: client, starter) }
    }
    if let peer = tools.peer {
      let session = sessionID(of: message)
      if !peer.isReady(session) { return peer.prepare(session, beginLater) }
    }
    do {
      var searches = SearchBudget.brief
      try starter.begin(ToolRequest(message, service: self, client: client, &searches))
    } catch SearchInterruption.needsTime {
      throw call.offloading(holding: byteCount) { () throws(RPCError) in
        self.begin(message, for: call, client: client, starter)
      }
    } catch {
      // The peer may have got a tool of that name since.
      if let error = error as? ToolsError, error.code == .toolNotFound, let peer = tools.peer,
        peer.lookAgain(sessionID(of: message), beginLater)
      {
        return
      }
      throw RPCError(mapping: error)
    }
  }

  /// The same on a thread that may take its time.
  private func begin(
    _ message: ExecuteToolRequest, for call: ServerCall, client: UInt64,
    _ starter: any ToolStarter
  ) {
    do {
      var searches = SearchBudget.ofTool { call.isClosed }
      let request = try ToolRequest(message, service: self, client: client, &searches)
      call.eventLoop.execute {
        if call.isClosed { return }
        do { try starter.begin(request) } catch { starter.refuse(RPCError(mapping: error)) }
      }
    } catch {
      starter.refuse(RPCError(mapping: error))
    }
  }
}
