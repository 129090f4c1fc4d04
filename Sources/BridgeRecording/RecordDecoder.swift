internal import BridgeSessions
internal import BridgeTools
internal import JSON
internal import Logging
internal import TrustedFiles

/// Why a record cannot be read, or not be replayed.
package struct RecordError: Error, Sendable, CustomStringConvertible {
  /// A sentence for a person.
  package let description: String

  /// An error in words.
  package init(_ description: String) { self.description = description }
}

/// A line of JSON becomes a call.
struct RecordDecoder {
  let files: any ValueFiles

  func call(_ json: JSON) throws -> RecordedCall {
    var call = RecordedCall(
      tool: try text(json, "tool"), plugin: try text(json, "plugin"), arguments: [],
      metadata: try metadata(json, "metadata"), timeLeft: json["time_left"]?.int,
      isStreaming: try flag(json, "streaming"), depth: Int(try number(json, "depth")))
    call.session = try text(json, "session")
    call.epoch = try text(json, "epoch")
    call.startedAt = try number(json, "started_at")
    call.took = try number(json, "took")
    call.hostTook = try number(json, "host_took")
    if case .string(let reason)? = json["not_replayable"] {
      // What is missing of it could not be read.
      call.obstacle = reason
      return call
    }
    call.arguments = try members(json, "arguments").map { ($0.key, try value($0.value)) }
    call.events = try list(json, "events").map(event)
    call.outcome = try outcome(try member(json, "outcome"))
    return call
  }

  // MARK: Parts

  private func member(_ json: JSON, _ key: String) throws -> JSON {
    guard let value = json[key] else { throw RecordError("\"\(key)\" is missing") }
    return value
  }

  private func text(_ json: JSON, _ key: String) throws -> String {
    guard case .string(let text) = try member(json, key) else { throw Self.wrong(key) }
    return text
  }

  private func number(_ json: JSON, _ key: String) throws -> Int64 {
    guard let number = try member(json, key).int else { throw Self.wrong(key) }
    return number
  }

  private func int32(_ json: JSON, _ key: String) throws -> Int32 {
    guard let number = Int32(exactly: try number(json, key)) else { throw Self.wrong(key) }
    return number
  }

  private func index(_ json: JSON, _ key: String) throws -> Int { Int(try number(json, key)) }

  private func double(_ json: JSON, _ key: String) throws -> Double {
    switch try member(json, key) {
    case .number(let number): return number
    case .integer(let number): return Double(number)
    case .string(let bits):
      guard let bits = UInt64(bits, radix: 16) else { throw Self.wrong(key) }
      return Double(bitPattern: bits)
    default: throw Self.wrong(key)
    }
  }

  private func flag(_ json: JSON, _ key: String) throws -> Bool {
    guard case .boolean(let flag) = try member(json, key) else { throw Self.wrong(key) }
    return flag
  }

  private func list(_ json: JSON, _ key: String) throws -> [JSON] {
    guard case .array(let list) = try member(json, key) else { throw Self.wrong(key) }
    return list
  }

  private func members(_ json: JSON, _ key: String) throws -> [JSON.Member] {
    guard case .object(let members) = try member(json, key) else { throw Self.wrong(key) }
    return members
  }

  private func texts(_ json: JSON, _ key: String) throws -> [String] {
    try list(json, key).map {
      guard case .string(let text) = $0 else { throw Self.wrong(key) }
      return text
    }
  }

  private func metadata(_ json: JSON, _ key: String) throws -> VariableMetadata {
    VariableMetadata(
      lastOf: try members(json, key).compactMap { member in
        // Null is one that was hidden.
        if case .string(let text) = member.value { (key: member.key, value: text) } else { nil }
      })
  }

  private static func wrong(_ key: String) -> RecordError {
    RecordError("\"\(key)\" is not what it should be")
  }

  // MARK: Values

  func value(_ json: JSON) throws -> ToolValue {
    if case .null = json { return .null }
    let name = try text(json, "type")
    guard let type = ToolType(name: name) else { throw RecordError("there is no type \(name)") }
    switch type {
    case .bytes: return .bytes(try bytes(json, "data"))
    case .object, .array, .any: return .json(try bytes(json, "json", isText: true), type)
    case .value(let type): return .value(try value(json, type), type)
    }
  }

  private func value(_ json: JSON, _ type: ValueType) throws -> Value {
    switch type {
    case .float: return .float(try double(json, "value"))
    case .integer: return .integer(try number(json, "value"))
    case .boolean: return .boolean(try flag(json, "value"))
    case .string, .choice, .module:
      return .string(String(decoding: try bytes(json, "value", isText: true), as: UTF8.self))
    case .embedding, .tensor:
      let name = try text(json, "element")
      let shape = try list(json, "shape").map { length -> Int in
        guard let length = length.int, length >= 0 else { throw Self.wrong("shape") }
        return Int(length)
      }
      let content = try bytes(json, "data")
      guard let element = NumericArray.ElementType(rawValue: name),
        Self.size(shape, element.width) == content.count
      else { throw Self.wrong("shape") }
      return .array(
        NumericArray(
          shape: shape, elementType: element, bytes: content, isNested: try flag(json, "nested")))
    }
  }

  private static func size(_ shape: [Int], _ width: Int) -> Int? {
    shape.reduce(width) { size, length in
      size.flatMap { size in
        let (product, overflow) = size.multipliedReportingOverflow(by: length)
        return overflow ? nil : product
      }
    }
  }

  private func bytes(_ json: JSON, _ key: String, isText: Bool = false) throws -> [UInt8] {
    guard json["file"] == nil else {
      let digest = try text(json, "file")
      guard SHA256.isDigest(digest), let bytes = files.read(digest: digest),
        bytes.withUnsafeBytes({ SHA256.hex(of: $0) }) == digest
      else { throw RecordError("the file of the value \(digest) is missing or was changed") }
      return bytes
    }
    let text = try text(json, key)
    if isText { return Array(text.utf8) }
    guard let bytes = Hex.bytes(text) else { throw Self.wrong(key) }
    return bytes
  }

  // MARK: Events

  private func event(_ json: JSON) throws -> RecordedCall.Event {
    switch try text(json, "event") {
    case "asked":
      return .asked(
        try request(try member(json, "request")), try answer(try member(json, "answer")),
        at: try number(json, "at"), took: try number(json, "took"))
    case "changes":
      return .changes(watch: try index(json, "watch"), try list(json, "changes").map(change))
    case "unwatched": return .unwatched(watch: try index(json, "watch"))
    case "chunk": return .chunk(try value(try member(json, "value")))
    case "progress": return .progress(try double(json, "fraction"), try text(json, "message"))
    case "log":
      guard let level = Logger.Level(rawValue: try text(json, "level")) else {
        throw Self.wrong("level")
      }
      return .log(level, try text(json, "message"))
    case "nested_chunk":
      return .nestedChunk(call: try index(json, "call"), try value(try member(json, "value")))
    case "nested_progress":
      return .nestedProgress(
        call: try index(json, "call"), try double(json, "fraction"), try text(json, "message"))
    case "nested_end":
      return .nestedEnd(call: try index(json, "call"), try outcome(try member(json, "outcome")))
    case let other: throw RecordError("there is no event \(other)")
    }
  }

  private func request(_ json: JSON) throws -> RecordedCall.Request {
    switch try text(json, "do") {
    case "get": return .get(try text(json, "name"))
    case "list": return .list(try text(json, "name"))
    case "set": return .set(try write(try member(json, "write")))
    case "set_all": return .setAll(try list(json, "writes").map(write))
    case "create": return .create(try new(try member(json, "variable")))
    case "remove": return .remove(try text(json, "name"))
    case "preview": return .preview(try pending(try member(json, "change")))
    case "commit": return .commit(try list(json, "changes").map(pending))
    case "watch":
      return .watch(
        try index(json, "watch"), try texts(json, "names"), initial: try flag(json, "initial"))
    case "call":
      return .start(
        try index(json, "call"),
        RecordedCall.NestedCall(
          tool: try text(json, "tool"),
          arguments: try members(json, "arguments").map {
            GivenArgument(name: $0.key, given: try value($0.value))
          }, metadata: try metadata(json, "metadata"), isStreaming: try flag(json, "streaming")))
    case "when_session_ends": return .whenSessionEnds
    case let other: throw RecordError("there is no request \(other)")
    }
  }

  private func answer(_ json: JSON) throws -> RecordedCall.Answer {
    if case .null = json { return .none }
    if let variable = json["variable"] { return .variable(try self.variable(variable)) }
    if json["variables"] != nil { return .variables(try list(json, "variables").map(variable)) }
    guard let error = json["error"] else { return .done }
    let (code, message) = (try text(error, "code"), try text(error, "message"))
    let details = Dictionary(
      try metadata(error, "details").entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    if try text(error, "kind") == "tools" {
      guard let code = ToolsError.Code.allCases.first(where: { "\($0)" == code }) else {
        throw Self.wrong("code")
      }
      return .failure(ToolsError(code, message, details: details))
    }
    guard let code = SessionError.Code.allCases.first(where: { "\($0)" == code }) else {
      throw Self.wrong("code")
    }
    return .failure(SessionError(code, message, details: details))
  }

  private func variable(_ json: JSON) throws -> VariableSnapshot {
    guard case .value(let value, let type) = try value(try member(json, "content")) else {
      throw Self.wrong("content")
    }
    return VariableSnapshot(
      VariableFacts(
        id: try text(json, "id"), name: try text(json, "name"), type: type, value: value,
        version: try int32(json, "version"), revision: try number(json, "revision"),
        updatedAt: try number(json, "updated_at"), writer: try text(json, "writer"),
        constraintsJSON: try text(json, "constraints"), metadata: try metadata(json, "metadata")))
  }

  private func change(_ json: JSON) throws -> VariableChange {
    let name = try text(json, "kind")
    guard let kind = VariableChange.Kind.allCases.first(where: { "\($0)" == name }) else {
      throw Self.wrong("kind")
    }
    func optional(_ key: String) throws -> VariableSnapshot? {
      let json = try member(json, key)
      return json == .null ? nil : try variable(json)
    }
    return VariableChange(
      kind, revision: try number(json, "revision"), time: try number(json, "time"),
      variable: try optional("variable"), previous: try optional("previous"),
      cause: try text(json, "cause"))
  }

  private func write(_ json: JSON) throws -> VariableWrite {
    var write = VariableWrite(
      try text(json, "name"), try value(try member(json, "value")),
      expectedVersion: try int32(json, "expected_version"),
      metadata: try metadata(json, "metadata"))
    write.isCheckOnly = try flag(json, "check_only")
    return write
  }

  private func new(_ json: JSON) throws -> NewVariable {
    guard let type = ValueType(name: try text(json, "type")) else { throw Self.wrong("type") }
    return NewVariable(
      name: try text(json, "name"), type: type, value: try value(try member(json, "value")),
      constraintsJSON: try text(json, "constraints"), metadata: try metadata(json, "metadata"))
  }

  private func pending(_ json: JSON) throws -> PendingChange {
    let content = try member(json, "content")
    let action: PendingChange.Action =
      switch try text(json, "action") {
      case "check": .check
      case "write": .write(try value(content))
      case "create": .create(try new(content))
      case "replace": .replace(try new(content))
      case "remove": .remove
      default: throw Self.wrong("action")
      }
    var change = PendingChange(
      try text(json, "name"), action, metadata: try metadata(json, "metadata"),
      by: try text(json, "tool"))
    if json["expected_id"] != nil {
      change.expected = PendingChange.Version(
        id: try text(json, "expected_id"), number: try int32(json, "expected_version"))
    }
    return change
  }

  private func outcome(_ json: JSON) throws -> ToolOutcome {
    let result: Result<ToolValue, ToolFailure>
    if let failure = json["failure"] {
      result = .failure(
        ToolFailure(
          code: try int32(failure, "code"), message: try text(failure, "message"),
          type: try text(failure, "type"), details: try text(failure, "details"),
          isRetryable: try flag(failure, "retryable")))
    } else {
      result = .success(try value(try member(json, "result")))
    }
    var binary: Blob?
    if let value = json["binary"] {
      guard case .bytes(let bytes) = try self.value(value) else { throw Self.wrong("binary") }
      binary = Blob(bytes)
    }
    return ToolOutcome(result, binaryResult: binary, metadata: try metadata(json, "metadata"))
  }
}

extension JSON {
  /// A whole number.
  fileprivate var int: Int64? { if case .integer(let number) = self { number } else { nil } }
}
