#if DEBUG || FUZZ
  internal import BridgeSessions
  internal import FoundationEssentials
  internal import SwiftProtobuf

  @testable internal import BridgeProtocol

  /// The first byte chooses the message. What the reader by hand takes, generated code takes for the
  /// same; and it takes all that generated code writes.
  func tryProtobuf(_ input: [UInt8]) throws(FuzzFailure) {
    guard let first = input.first else { return }
    let bytes = Array(input.dropFirst())
    switch first % 8 {
    case 0, 1: try tryGet(bytes)
    case 2, 3, 4: try trySet(bytes)
    case 5: try tryExecute(bytes)
    default: try tryWrappers(bytes)
    }
  }

  private func tryGet(_ bytes: [UInt8]) throws(FuzzFailure) {
    let generated = try? Snakepit_Bridge_GetVariableRequest(serializedBytes: bytes)
    if let fast = try? GetVariableRequest(request: bytes) {
      try require(generated.map { fast.isSame(as: $0) } == true, "\(fast) is taken")
    }
    guard var generated else { return }
    generated.unknownFields = UnknownStorage()
    let written: [UInt8] = try succeeding { try generated.serializedBytes() }
    try require(
      (try? GetVariableRequest(request: written))?.isSame(as: generated) == true,
      "\(generated) is refused")
  }

  private func trySet(_ bytes: [UInt8]) throws(FuzzFailure) {
    let generated = try? Snakepit_Bridge_SetVariableRequest(serializedBytes: bytes)
    if let fast = try? SetVariableRequest(request: bytes) {
      try require(generated.map { fast.isSame(as: $0) } == true, "\(fast) is taken")
    }
    guard var generated else { return }
    generated.unknownFields = UnknownStorage()
    generated.value.unknownFields = UnknownStorage()
    let written: [UInt8] = try succeeding { try generated.serializedBytes() }
    try require(
      (try? SetVariableRequest(request: written))?.isSame(as: generated) == true,
      "\(generated) is refused")
  }

  private func tryExecute(_ bytes: [UInt8]) throws(FuzzFailure) {
    let generated = try? Snakepit_Bridge_ExecuteToolRequest(serializedBytes: bytes)
    if let fast = try? ExecuteToolRequest(request: bytes) {
      try require(generated.map { fast.isSame(as: $0) } == true, "\(fast) is taken")
    }
    guard var generated else { return }
    generated.unknownFields = UnknownStorage()
    for name in generated.parameters.keys {
      generated.parameters[name]?.unknownFields = UnknownStorage()
    }
    let written: [UInt8] = try succeeding { try generated.serializedBytes() }
    try require(
      (try? ExecuteToolRequest(request: written))?.isSame(as: generated) == true,
      "\(generated) is refused")
  }

  private func tryWrappers(_ bytes: [UInt8]) throws(FuzzFailure) {
    func fast(_ kind: TypeURL.Wrapper) -> WrapperMessage? {
      bytes.withUnsafeBytes { WrapperMessage($0, as: kind) }
    }
    if case .string(let text)? = fast(.string) {
      let generated = try succeeding { try Google_Protobuf_StringValue(serializedBytes: bytes) }
      try require(generated.value == text)
    }
    if case .bytes(let content)? = fast(.bytes) {
      let generated = try succeeding { try Google_Protobuf_BytesValue(serializedBytes: bytes) }
      try require(Array(generated.value) == content)
    }
    if case .number(let number)? = fast(.double) {
      let generated = try succeeding { try Google_Protobuf_DoubleValue(serializedBytes: bytes) }
      try require(generated.value == number || generated.value.isNaN && number.isNaN)
    }
    if case .number(let number)? = fast(.float) {
      let generated = try succeeding { try Google_Protobuf_FloatValue(serializedBytes: bytes) }
      try require(Double(generated.value) == number || generated.value.isNaN && number.isNaN)
    }
    if case .integer(let integer)? = fast(.int64) {
      let generated = try succeeding { try Google_Protobuf_Int64Value(serializedBytes: bytes) }
      try require(generated.value == integer)
    }
    if case .integer(let integer)? = fast(.int32) {
      let generated = try succeeding { try Google_Protobuf_Int32Value(serializedBytes: bytes) }
      try require(Int64(generated.value) == integer, "int32 \(integer)")
    }
    if case .integer(let integer)? = fast(.uint32) {
      let generated = try succeeding { try Google_Protobuf_UInt32Value(serializedBytes: bytes) }
      try require(Int64(generated.value) == integer, "uint32 \(integer)")
    }
    if case .boolean(let flag)? = fast(.bool) {
      let generated = try succeeding { try Google_Protobuf_BoolValue(serializedBytes: bytes) }
      try require(generated.value == flag)
    }
  }

  extension GetVariableRequest {
    fileprivate func isSame(as message: Snakepit_Bridge_GetVariableRequest) -> Bool {
      sessionID == message.sessionID && identifier == message.variableIdentifier
    }
  }

  extension VariableMetadata {
    /// Of keys that Unicode takes for equal, a generated message has one.
    fileprivate func isSame(as map: [String: String]) -> Bool {
      Dictionary(entries.map { ($0.key, $0.value) }) { $1 } == map
    }
  }

  extension SetVariableRequest {
    fileprivate func isSame(as message: Snakepit_Bridge_SetVariableRequest) -> Bool {
      sessionID == message.sessionID && identifier == message.variableIdentifier
        && typeURL == message.value.typeURL && value == Array(message.value.value)
        && metadata.isSame(as: message.metadata) && expectedVersion == message.expectedVersion
        && binaryValue == Array(message.binaryValue)
    }
  }

  extension ExecuteToolRequest {
    fileprivate func isSame(as message: Snakepit_Bridge_ExecuteToolRequest) -> Bool {
      let names = Set(message.parameters.keys).union(message.binaryParameters.keys)
      return sessionID == message.sessionID && toolName == message.toolName
        && metadata.isSame(as: message.metadata) && includesProgress == message.includeProgress
        && Set(parameters.map(\.name)) == names
        && parameters.allSatisfy { parameter in
          // Of names that Unicode takes for equal, a generated message has one.
          if parameters.count(where: { $0.name == parameter.name }) > 1 { return true }
          let any = message.parameters[parameter.name] ?? .init()
          return names.contains(parameter.name) && parameter.typeURL == any.typeURL
            && parameter.content == Array(any.value)
            && parameter.binary == Array(message.binaryParameters[parameter.name] ?? .init())
        }
    }
  }

  /// A value as it comes: its type, one of the type URLs, the length of what is in the `Any`, that,
  /// and the bytes beside it.
  func tryPayloads(_ input: [UInt8]) throws(FuzzFailure) {
    guard input.count >= 3 else { return }
    let type = ValueType.allCases[Int(input[0]) % ValueType.allCases.count]
    let url = typeURLs[Int(input[1]) % typeURLs.count]
    let rest = input.dropFirst(3)
    let value = Array(rest.prefix(Int(input[2])))
    let binary = Array(rest.dropFirst(value.count))
    do {
      let payload = try Payload(typeURL: url, value: value, binary: binary, as: type)
      try storeAndRead(payload, as: type)
    } catch let error as SessionError {
      try require(
        [.invalidValue, .limitReached].contains(error.code) && !error.message.isEmpty, "\(error)")
    } catch let failure as FuzzFailure {
      throw failure
    } catch {
      throw FuzzFailure("\(error)")
    }
  }

  private let typeURLs =
    ValueType.allCases.flatMap { type in
      [[], WireForm.snakepitURL].flatMap { form in
        [false, true].map { TypeURL.url(for: type, form: form, binary: $0) }
      }
    }
    + ["Double", "Float", "Int32", "Int64", "UInt32", "UInt64", "Bool", "String", "Bytes"]
    .map { "type.googleapis.com/google.protobuf.\($0)Value" } + ["", "json", "nonsense"]
#endif
