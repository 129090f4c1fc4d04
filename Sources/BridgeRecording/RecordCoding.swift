internal import BridgeSessions
internal import BridgeTools
internal import Glibc
internal import JSON
internal import Logging
internal import TrustedFiles

/// What is hidden of calls before they are written.
package struct Masks: Sendable {
  private let wildcards: [Wildcard]
  /// The patterns, `*` for any run of characters, without regard to case.
  package let patterns: [String]

  /// Those that always hold.
  package static let standard = [
    // Not "*token*": "max_tokens" is no secret.
    "*password*", "*passwd*", "*secret*", "*token", "*credential*", "*api_key*", "*apikey*",
    "*private_key*", "authorization", "cookie",
  ]

  /// Hides what has a name that matches.
  package init(_ patterns: [String]) {
    self.patterns = patterns
    wildcards = patterns.map { Wildcard($0.lowercased()) }
  }

  /// Whether what has this name is hidden.
  func hide(_ name: String) -> Bool {
    let name = name.lowercased()
    let variable = Self.variable(name)
    return wildcards.contains { $0.matches(name) || $0.matches(variable) }
  }

  /// The name in a variable's id, `var_NAME_NUMBER`; of what is no id itself.
  private static func variable(_ name: String) -> String {
    guard name.hasPrefix("var_"), let end = name.utf8.lastIndex(of: UInt8(ascii: "_")),
      name.utf8.distance(from: name.startIndex, to: end) > 4
    else { return name }
    return String(name[name.utf8.index(name.startIndex, offsetBy: 4)..<end])
  }

  /// Whether JSON has a member that is.
  func hide(within json: JSON) -> Bool {
    switch json {
    case .object(let members): members.contains { hide($0.key) || hide(within: $0.value) }
    case .array(let elements): elements.contains(where: hide(within:))
    default: false
    }
  }
}

/// Where large values lie: one file each, named by its SHA-256.
protocol ValueFiles {
  /// - Returns: false where there is no room for it.
  func write(_ bytes: [UInt8], digest: String) -> Bool
  /// - Returns: nil where it is not there.
  func read(digest: String) -> [UInt8]?
}

/// A call becomes a line of JSON. Floats are written with all their bits.
struct RecordEncoder {
  let masks: Masks
  let files: any ValueFiles
  private(set) var obstacle: String?

  /// From this size on values lie in files of their own.
  static let inlineLimit = 64 * 1024

  init(_ masks: Masks, _ files: any ValueFiles) {
    self.masks = masks
    self.files = files
  }

  mutating func json(_ call: RecordedCall) -> JSON {
    obstacle = call.obstacle
    let arguments = call.arguments.map { argument in
      JSON.Member(key: argument.name, value: value(argument.value, of: argument.name))
    }
    let events = call.events.map { event($0) }
    let end = outcome(call.outcome)
    var members: [JSON.Member] = [
      .init(key: "tool", value: .string(call.tool)),
      .init(key: "plugin", value: .string(call.plugin)),
      .init(key: "session", value: .string(call.session)),
      .init(key: "epoch", value: .string(call.epoch)),
      .init(key: "started_at", value: .integer(call.startedAt)),
      .init(key: "took", value: .integer(call.took)),
      .init(key: "host_took", value: .integer(call.hostTook)),
      .init(key: "depth", value: .integer(Int64(call.depth))),
      .init(key: "streaming", value: .boolean(call.isStreaming)),
    ]
    if let timeLeft = call.timeLeft {
      members.append(.init(key: "time_left", value: .integer(timeLeft)))
    }
    if let obstacle { members.append(.init(key: "not_replayable", value: .string(obstacle))) }
    members += [
      .init(key: "metadata", value: metadata(call.metadata)),
      .init(key: "arguments", value: .object(arguments)),
      .init(key: "events", value: .array(events)), .init(key: "outcome", value: end),
    ]
    return .object(members)
  }

  private mutating func hidden(_ what: String) -> JSON {
    obstacle = obstacle ?? "\(what) is masked"
    return .object([.init(key: "masked", value: .boolean(true))])
  }

  /// What a caller sends along does not have to be known to replay a call.
  private func metadata(_ metadata: VariableMetadata) -> JSON {
    .object(
      metadata.entries.map { entry in
        .init(key: entry.key, value: masks.hide(entry.key) ? .null : .string(entry.value))
      })
  }

  // MARK: Values

  private mutating func value(_ value: ToolValue, of name: String) -> JSON {
    masks.hide(name) ? hidden(name) : self.value(value)
  }

  mutating func value(_ value: ToolValue) -> JSON {
    switch value.owned {
    case .null, .donated: return .null
    case .value(let value, let type): return self.value(value, type)
    case .json(let text, let type):
      if let json = try? JSON(parsing: text), masks.hide(within: json) {
        return hidden("a member of JSON")
      }
      return object(
        type.name, [bytes(text, "json") { .string(String(decoding: $0, as: UTF8.self)) }])
    case .bytes(let content):
      return object("bytes", [bytes(content, "data") { .string(Hex.text($0)) }])
    }
  }

  private func object(_ type: String, _ members: [JSON.Member]) -> JSON {
    .object([.init(key: "type", value: .string(type))] + members)
  }

  private mutating func value(_ value: Value, _ type: ValueType) -> JSON {
    switch value {
    case .float(let number):
      // JSON has no text for the others.
      let text: JSON =
        number.isFinite ? .number(number) : .string(String(number.bitPattern, radix: 16))
      return object(type.rawValue, [.init(key: "value", value: text)])
    case .integer(let number):
      return object(type.rawValue, [.init(key: "value", value: .integer(number))])
    case .boolean(let flag):
      return object(type.rawValue, [.init(key: "value", value: .boolean(flag))])
    case .string(let text):
      return object(type.rawValue, [bytes(Array(text.utf8), "value") { _ in .string(text) }])
    case .array(let array):
      return object(
        type.rawValue,
        [
          .init(key: "element", value: .string(array.elementType.rawValue)),
          .init(key: "shape", value: .array(array.shape.map { .integer(Int64($0)) })),
          .init(key: "nested", value: .boolean(array.isNested)),
          bytes(array.bytes, "data") { .string(Hex.text($0)) },
        ])
    }
  }

  /// Bytes in place, or in a file.
  private mutating func bytes(
    _ bytes: [UInt8], _ key: String, _ inline: ([UInt8]) -> JSON
  ) -> JSON.Member {
    if bytes.count < Self.inlineLimit { return .init(key: key, value: inline(bytes)) }
    let digest = bytes.withUnsafeBytes { SHA256.hex(of: $0) }
    if !files.write(bytes, digest: digest) {
      obstacle = obstacle ?? "a value of \(bytes.count) bytes was cut"
    }
    return .init(key: "file", value: .string(digest))
  }

  // MARK: Events

  private mutating func event(_ event: RecordedCall.Event) -> JSON {
    func object(_ kind: String, _ members: [JSON.Member]) -> JSON {
      .object([.init(key: "event", value: .string(kind))] + members)
    }
    func number(_ key: String, _ value: Int) -> JSON.Member {
      .init(key: key, value: .integer(Int64(value)))
    }
    func text(_ key: String, _ value: String) -> JSON.Member {
      .init(key: key, value: .string(value))
    }
    switch event {
    case .asked(let request, let answer, let at, let took):
      return object(
        "asked",
        [
          .init(key: "at", value: .integer(at)), .init(key: "took", value: .integer(took)),
          .init(key: "request", value: self.request(request)),
          .init(key: "answer", value: self.answer(answer)),
        ])
    case .changes(let watch, let changes):
      let list = changes.map { change($0) }
      return object(
        "changes", [number("watch", watch), .init(key: "changes", value: .array(list))])
    case .unwatched(let watch): return object("unwatched", [number("watch", watch)])
    case .chunk(let chunk): return object("chunk", [.init(key: "value", value: value(chunk))])
    case .progress(let fraction, let message):
      return object(
        "progress", [.init(key: "fraction", value: .number(fraction)), text("message", message)])
    case .log(let level, let message):
      return object("log", [text("level", level.rawValue), text("message", message)])
    case .nestedChunk(let call, let chunk):
      return object(
        "nested_chunk", [number("call", call), .init(key: "value", value: value(chunk))])
    case .nestedProgress(let call, let fraction, let message):
      return object(
        "nested_progress",
        [
          number("call", call), .init(key: "fraction", value: .number(fraction)),
          text("message", message),
        ])
    case .nestedEnd(let call, let end):
      return object(
        "nested_end", [number("call", call), .init(key: "outcome", value: outcome(end))])
    }
  }

  private mutating func request(_ request: RecordedCall.Request) -> JSON {
    func object(_ kind: String, _ members: [JSON.Member] = []) -> JSON {
      .object([.init(key: "do", value: .string(kind))] + members)
    }
    func name(_ text: String) -> JSON.Member { .init(key: "name", value: .string(text)) }
    switch request {
    case .get(let identifier): return object("get", [name(identifier)])
    case .list(let pattern): return object("list", [name(pattern)])
    case .set(let write): return object("set", [.init(key: "write", value: self.write(write))])
    case .setAll(let writes):
      let list = writes.map { self.write($0) }
      return object("set_all", [.init(key: "writes", value: .array(list))])
    case .create(let variable):
      return object("create", [.init(key: "variable", value: new(variable))])
    case .remove(let identifier): return object("remove", [name(identifier)])
    case .preview(let change):
      return object("preview", [.init(key: "change", value: pending(change))])
    case .commit(let changes):
      let list = changes.map { pending($0) }
      return object("commit", [.init(key: "changes", value: .array(list))])
    case .watch(let number, let names, let initial):
      return object(
        "watch",
        [
          .init(key: "watch", value: .integer(Int64(number))),
          .init(key: "names", value: .array(names.map { .string($0) })),
          .init(key: "initial", value: .boolean(initial)),
        ])
    case .start(let number, let call):
      let arguments = call.arguments.map {
        JSON.Member(key: $0.name, value: value($0.given, of: $0.name))
      }
      return object(
        "call",
        [
          .init(key: "call", value: .integer(Int64(number))),
          .init(key: "tool", value: .string(call.tool)),
          .init(key: "arguments", value: .object(arguments)),
          .init(key: "metadata", value: metadata(call.metadata)),
          .init(key: "streaming", value: .boolean(call.isStreaming)),
        ])
    case .whenSessionEnds: return object("when_session_ends")
    }
  }

  private mutating func answer(_ answer: RecordedCall.Answer) -> JSON {
    switch answer {
    case .none: return .null
    case .done: return .object([])
    case .variable(let snapshot):
      return .object([.init(key: "variable", value: variable(snapshot))])
    case .variables(let snapshots):
      let list = snapshots.map { variable($0) }
      return .object([.init(key: "variables", value: .array(list))])
    case .failure(let error):
      let (kind, code, message, details): (String, String, String, [String: String]) =
        switch error {
        case let error as SessionError: ("session", "\(error.code)", error.message, error.details)
        case let error as ToolsError: ("tools", "\(error.code)", error.message, error.details)
        default: ("session", "\(SessionError.Code.failedPrecondition)", "\(error)", [:])
        }
      return .object([
        .init(
          key: "error",
          value: .object([
            .init(key: "kind", value: .string(kind)), .init(key: "code", value: .string(code)),
            .init(key: "message", value: .string(message)),
            .init(key: "details", value: metadata(VariableMetadata(details))),
          ]))
      ])
    }
  }

  private mutating func variable(_ snapshot: VariableSnapshot) -> JSON {
    let content =
      masks.hide(snapshot.name) ? hidden(snapshot.name) : value(snapshot.value, snapshot.type)
    return .object([
      .init(key: "id", value: .string(snapshot.id)),
      .init(key: "name", value: .string(snapshot.name)), .init(key: "content", value: content),
      .init(key: "version", value: .integer(Int64(snapshot.version))),
      .init(key: "revision", value: .integer(snapshot.revision)),
      .init(key: "updated_at", value: .integer(snapshot.updatedAt)),
      .init(key: "writer", value: .string(snapshot.writer)),
      .init(key: "constraints", value: .string(snapshot.constraintsJSON)),
      .init(key: "metadata", value: metadata(snapshot.metadata)),
    ])
  }

  private mutating func change(_ change: VariableChange) -> JSON {
    .object([
      .init(key: "kind", value: .string("\(change.kind)")),
      .init(key: "revision", value: .integer(change.revision)),
      .init(key: "time", value: .integer(change.time)),
      .init(key: "variable", value: change.variable.map { variable($0) } ?? .null),
      .init(key: "previous", value: change.previous.map { variable($0) } ?? .null),
      .init(key: "cause", value: .string(change.cause)),
    ])
  }

  private mutating func write(_ write: VariableWrite) -> JSON {
    .object([
      .init(key: "name", value: .string(write.identifier)),
      .init(key: "value", value: value(write.value, of: write.identifier)),
      .init(key: "expected_version", value: .integer(Int64(write.expectedVersion))),
      .init(key: "metadata", value: metadata(write.metadata)),
      .init(key: "check_only", value: .boolean(write.isCheckOnly)),
    ])
  }

  private mutating func new(_ variable: NewVariable) -> JSON {
    .object([
      .init(key: "name", value: .string(variable.name)),
      .init(key: "type", value: .string(variable.type.rawValue)),
      .init(key: "value", value: value(variable.value, of: variable.name)),
      .init(key: "constraints", value: .string(variable.constraintsJSON)),
      .init(key: "metadata", value: metadata(variable.metadata)),
    ])
  }

  private mutating func pending(_ change: PendingChange) -> JSON {
    var members: [JSON.Member] = [
      .init(key: "name", value: .string(change.identifier)),
      .init(key: "tool", value: .string(change.tool)),
      .init(key: "metadata", value: metadata(change.metadata)),
    ]
    if let expected = change.expected {
      members += [
        .init(key: "expected_id", value: .string(expected.id)),
        .init(key: "expected_version", value: .integer(Int64(expected.number))),
      ]
    }
    let (action, content): (String, JSON) =
      switch change.action {
      case .check: ("check", .null)
      case .write(let value): ("write", self.value(value, of: change.identifier))
      case .create(let variable): ("create", new(variable))
      case .replace(let variable): ("replace", new(variable))
      case .remove: ("remove", .null)
      }
    members += [
      .init(key: "action", value: .string(action)), .init(key: "content", value: content),
    ]
    return .object(members)
  }

  private mutating func outcome(_ outcome: ToolOutcome) -> JSON {
    var members: [JSON.Member] = []
    switch outcome.result {
    case .success(let value): members.append(.init(key: "result", value: self.value(value)))
    case .failure(let failure):
      members.append(
        .init(
          key: "failure",
          value: .object([
            .init(key: "code", value: .integer(Int64(failure.code))),
            .init(key: "message", value: .string(failure.message)),
            .init(key: "type", value: .string(failure.type)),
            .init(key: "details", value: .string(failure.details)),
            .init(key: "retryable", value: .boolean(failure.isRetryable)),
          ])))
    }
    if let blob = outcome.binaryResult {
      members.append(.init(key: "binary", value: value(.bytes(blob.bytes))))
    }
    members.append(.init(key: "metadata", value: metadata(outcome.metadata)))
    return .object(members)
  }
}

/// Bytes as hexadecimal digits.
enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
      for (index, byte) in bytes.enumerated() {
        text[2 * index] = digits[Int(byte >> 4)]
        text[2 * index + 1] = digits[Int(byte & 15)]
      }
      return 2 * bytes.count
    }
  }

  /// - Returns: nil where they are none.
  static func bytes(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 2)
    var high: UInt8?
    for digit in text.utf8 {
      guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
      if let first = high {
        bytes.append(first << 4 | UInt8(value))
        high = nil
      } else {
        high = UInt8(value)
      }
    }
    return high == nil ? bytes : nil
  }
}
