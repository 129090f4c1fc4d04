internal import BridgeProtocol
internal import BridgeSessions
internal import BridgeTools
internal import GRPC
internal import JSON
internal import SwiftProtobuf

extension BridgeService {
  /// An InitializeSessionResponse with nothing but the tools.
  package func encodedTools() throws -> [UInt8] {
    let catalog = tools.registry.catalog
    if let last = encodedCatalog.withLock({ $0 }), last.catalog === catalog { return last.bytes }
    var response = Snakepit_Bridge_InitializeSessionResponse()
    for tool in catalog.descriptions { response.availableTools[tool.name] = tool.wireSpec }
    let bytes: [UInt8] = try response.serializedBytes()
    encodedCatalog.withLock { $0 = (catalog, bytes) }
    return bytes
  }
}

extension BridgeService {
  /// An InitializeSessionResponse with nothing but the tools that a session alone has.
  func encodedTools(of session: String) throws -> [UInt8] {
    guard let catalog = tools.sessionTools.catalog(of: session) else { return [] }
    var response = Snakepit_Bridge_InitializeSessionResponse()
    for tool in catalog.descriptions { response.availableTools[tool.name] = tool.wireSpec }
    return try response.serializedBytes()
  }
}

extension BridgeService {
  /// The tools that clients may call as those of Elixir: all that this host has.
  func getExposedElixirTools(
    _ request: Snakepit_Bridge_GetExposedElixirToolsRequest, _ call: ServerCall
  ) -> Snakepit_Bridge_GetExposedElixirToolsResponse {
    let own = tools.sessionTools.catalog(of: request.sessionID)?.descriptions ?? []
    return .with { $0.tools = (tools.registry.catalog.descriptions + own).map(\.wireSpec) }
  }
}

extension ToolDescription {
  /// The tool as clients see it.
  var wireSpec: Snakepit_Bridge_ToolSpec {
    .with { spec in
      spec.name = name
      spec.description_p = description
      spec.parameters = parameters.map(\.wireSpec)
      spec.metadata["plugin"] = plugin
      if isReadOnly { spec.metadata["read_only"] = "true" }
      if isDestructive { spec.metadata["destructive"] = "true" }
      if isIdempotent { spec.metadata["idempotent"] = "true" }
      if !outOfService.isEmpty { spec.metadata["out_of_service"] = outOfService }
      spec.supportsStreaming = streams
      spec.requiredVariables = reads
      spec.inputSchemaJson = inputSchema.text
    }
  }
}

extension ParameterDescription {
  fileprivate var wireSpec: Snakepit_Bridge_ParameterSpec {
    .with { spec in
      spec.name = name
      spec.type = type.name
      spec.description_p = description
      spec.required = isRequired
      if let (typeURL, json) = defaultValue?.wire(form: []) {
        spec.defaultValue = .with {
          $0.typeURL = typeURL
          $0.value = .init(json)
        }
      }
      spec.validationJson = constraintsJSON
    }
  }
}

extension ToolValue {
  /// What an `Any` of the value holds; nil for null and bytes, which have none.
  func wire(form: WireForm) -> (typeURL: String, json: [UInt8])? {
    if case .donated(let value) = self { return value.copy.wire(form: form) }
    if case .value(let value, let type) = self {
      return (TypeURL.url(for: type, form: form, binary: false), value.json(as: type))
    }
    guard let (type, json) = wireJSON else { return nil }
    return (Self.url(ofJSON: type, form: form), json)
  }

  fileprivate static func url(ofJSON type: String, form: WireForm) -> String {
    (form.contains(.snakepitURL) ? "type.googleapis.com/snakepit." : "dspex.variables/") + type
  }

  /// The name of the JSON's type and the text; nil for null and bytes.
  var wireJSON: (type: String, json: [UInt8])? {
    switch self {
    case .null, .bytes: nil
    case .value(let value, let type): (type.rawValue, value.json(as: type))
    case .json(let text, .object): ("map", text)
    case .json(let text, .array): ("list", text)
    case .json(let text, _):
      text.withUnsafeBytes { Self.typeName(ofJSON: $0) }.map { ($0, text) }
    case .donated(let value): value.copy.wireJSON
    }
  }

  fileprivate static func typeName(ofJSON text: UnsafeRawBufferPointer) -> String? {
    let kind = try? JSON.read(text) { $0.kind }
    return switch kind {
    case .null, nil: nil
    case .boolean: "boolean"
    case .integer: "integer"
    case .number: "float"
    case .string: "string"
    case .array: "list"
    case .object: "map"
    }
  }
}

extension DonatedValue {
  /// The type URL of JSON that the memory holds.
  func typeURL(of type: ToolType, form: WireForm) -> String? {
    let name: String? =
      switch type {
      case .object: "map"
      case .array: "list"
      default: memory.withUnsafeBytes { ToolValue.typeName(ofJSON: $0) }
      }
    return name.map { ToolValue.url(ofJSON: $0, form: form) }
  }
}
