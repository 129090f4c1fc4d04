internal import JSON

/// A request of another language's test library: a JSON object whose member "do" names what is wanted.
struct TestRequest {
  private let members: JSON

  /// - Throws: `TestHostError` of the kind `request` for what is no object.
  init(_ text: String) throws(TestHostError) {
    let json: JSON
    do {
      json = try JSON(parsing: text)
    } catch {
      throw TestHostError(.request, "the request is no JSON: \(error)")
    }
    self = try TestRequest(json)
  }

  init(_ json: JSON) throws(TestHostError) {
    guard case .object = json else { throw TestHostError(.request, "the request is no object") }
    members = json
  }

  subscript(key: String) -> JSON? {
    if case .null? = members[key] { return nil }
    return members[key]
  }

  /// A text.
  ///
  /// - Throws: `TestHostError`, where it is not there, or something else.
  func text(_ key: String) throws(TestHostError) -> String {
    guard let text = try optionalText(key) else {
      throw TestHostError(.request, "the request has no \"\(key)\"")
    }
    return text
  }

  func optionalText(_ key: String) throws(TestHostError) -> String? {
    switch self[key] {
    case nil: return nil
    case .string(let text): return text
    default: throw TestHostError(.request, "\"\(key)\" is to be a text")
    }
  }

  func integer(_ key: String) throws(TestHostError) -> Int64? {
    switch self[key] {
    case nil: return nil
    case .integer(let number): return number
    default: throw TestHostError(.request, "\"\(key)\" is to be an integer")
    }
  }

  func flag(_ key: String) throws(TestHostError) -> Bool? {
    switch self[key] {
    case nil: return nil
    case .boolean(let flag): return flag
    default: throw TestHostError(.request, "\"\(key)\" is to be true or false")
    }
  }

  /// The members of an object; none where it is not there.
  func object(_ key: String) throws(TestHostError) -> [JSON.Member] {
    switch self[key] {
    case nil: return []
    case .object(let members): return members
    default: throw TestHostError(.request, "\"\(key)\" is to be an object")
    }
  }

  func list(_ key: String) throws(TestHostError) -> [JSON] {
    switch self[key] {
    case nil: return []
    case .array(let elements): return elements
    default: throw TestHostError(.request, "\"\(key)\" is to be a list")
    }
  }
}

extension TestHost.Configuration {
  /// - Parameter text: A JSON object: "clock" is "real", "sleeping" (it moves when a tool sleeps) or
  ///   "manual"; "abi_versions" a list of the lowest and the highest; "in_place" as `loadsInPlace`.
  package init(json text: String) throws(TestHostError) {
    self.init()
    let request = try TestRequest(text)
    switch try request.optionalText("clock") ?? "real" {
    case "real": break
    case "sleeping": clock = TestClock()
    case "manual": clock = TestClock(movesBySleeping: false)
    case let other:
      throw TestHostError(
        .request, "\"clock\" is \"real\", \"sleeping\" or \"manual\", not \"\(other)\"")
    }
    loadsInPlace = try request.flag("in_place") ?? false
    switch try request.list("abi_versions") {
    case []: break
    case let versions:
      guard versions.count == 2, case .integer(let low) = versions[0],
        case .integer(let high) = versions[1], (0...high).contains(low),
        let high = UInt32(exactly: high)
      else {
        throw TestHostError(.request, "\"abi_versions\" is a list of the lowest and the highest")
      }
      abiVersions = UInt32(low)...high
    }
  }
}

extension CallOptions {
  /// - Parameter request: With the members "deadline" and "timeout" in nanoseconds, "stream", "metadata" and
  ///   "faults".
  init(_ request: TestRequest) throws(TestHostError) {
    self.init()
    deadline = try request.integer("deadline")
    isStreaming = try request.flag("stream")
    timeout = try request.integer("timeout") ?? timeout
    for member in try request.object("metadata") {
      guard case .string(let text) = member.value else {
        throw TestHostError(.request, "the metadata \"\(member.key)\" is to be a text")
      }
      metadata[member.key] = text
    }
    for fault in try request.list("faults") { faults.append(try Fault(TestRequest(fault))) }
  }
}

extension Fault {
  /// - Parameter request: With the member "effect": "cancel", "deadline", "fail" or "full"; and one of "start",
  ///   "host_call", "function" (with "use"), "chunk", "after".
  init(_ request: TestRequest) throws(TestHostError) {
    let effect = try request.text("effect")
    let moment: Moment
    if let number = try request.integer("host_call") {
      moment = .hostCall(Int(number))
    } else if let function = try request.optionalText("function") {
      moment = .use(of: function, Int(try request.integer("use") ?? 1))
    } else if let number = try request.integer("chunk") {
      moment = .use(of: "call.emit", Int(number))
    } else if let delay = try request.integer("after") {
      moment = .after(delay)
    } else {
      moment = .start
    }
    switch effect {
    case "cancel": self.init(.cancel, moment)
    case "deadline": self.init(.deadline, moment)
    case "full": self.init(.fail(status: 100, message: "the stream is full"), moment)
    case "fail":
      let name = try request.optionalText("status") ?? "UNAVAILABLE"
      guard let status = StatusName.number(name), status != 0 else {
        throw TestHostError(.request, "\"\(name)\" is no status of a failure")
      }
      let message = try request.optionalText("message") ?? "injected"
      self.init(.fail(status: status, message: message), moment)
    default:
      throw TestHostError(
        .request, "\"effect\" is \"cancel\", \"deadline\", \"fail\" or \"full\", not \"\(effect)\"")
    }
  }
}
