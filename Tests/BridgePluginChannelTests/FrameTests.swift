import BridgeSessions
import BridgeTools
import Glibc
import Testing
import TrustedFiles

@testable import BridgePluginChannel

@Suite struct FrameTests {
  /// What one side writes the other reads.
  private func passed(_ message: HostMessage) throws -> HostMessage {
    try passed(message.frame) { try HostMessage(&$0) }
  }

  private func passed(_ message: ChildMessage) throws -> ChildMessage {
    try passed(message.frame) { try ChildMessage(&$0) }
  }

  private func passed<Value>(
    _ frame: FrameWriter, _ read: (inout FrameReader) throws -> Value
  ) throws -> Value {
    let (ours, theirs) = try #require(Channel.pair())
    let other = Channel(FileDescriptor(owning: theirs))
    var outbox = Outbox()
    let isTaken = outbox.append(frame)
    let sent = outbox.send(on: ours, waits: true)
    #expect(isTaken && sent == .sent && { outbox.isEmpty }())
    let buffer = Channel.Buffer()
    var value: Value?
    let received = try other.receive(into: buffer, waits: true) { value = try read(&$0) }
    #expect(received == .frames)
    return try #require(value)
  }

  static let numbers = NumericArray([1, 2.5, -3, .infinity], shape: [2, 2])
  static let values: [ToolValue] = [
    .null, .value(.float(-0.0), .float), .value(.integer(.min), .integer),
    .value(.boolean(true), .boolean), .value(.string("e\u{301} \0"), .string),
    .value(.string("a"), .choice), .value(.array(numbers), .tensor),
    .value(.array(NumericArray([Double](repeating: 2, count: 20_000))), .embedding),
    .json(Array(#"{"a":[1]}"#.utf8), .object),
    .json([UInt8](repeating: UInt8(ascii: " "), count: 100_000) + Array("[]".utf8), .array),
    .bytes([]), .bytes([0, 255]), .bytes([UInt8](repeating: 7, count: 1_000_000)),
  ]

  @Test(arguments: values.indices) func valuesArriveAsTheyWere(index: Int) throws {
    let value = Self.values[index]
    let call = HostMessage.CallToRun(
      number: .max, tool: 3, sessionID: "s", sessionEpoch: "e", arguments: [("a", value)],
      metadata: ["k": "v"], deadline: 1, isStreaming: true, depth: 2)
    guard case .call(let arrived) = try passed(.call(call)) else {
      Issue.record("should be a call")
      return
    }
    #expect(arrived.arguments.map(\.name) == ["a"])
    let isSame = arrived.arguments.first?.value.owned == value
    #expect(isSame)
    #expect(arrived.number == .max && arrived.tool == 3 && arrived.deadline == 1)
    #expect(arrived.metadata == ["k": "v"] && arrived.isStreaming && arrived.depth == 2)
    #expect(arrived.sessionID == "s" && arrived.sessionEpoch == "e")
    let outcome = ToolOutcome(.success(value), binaryResult: Blob([1, 2]), metadata: ["m": "n"])
    guard case .finished(7, let end) = try passed(.finished(call: 7, outcome)) else {
      Issue.record("should be an end")
      return
    }
    #expect(end.binaryResult?.bytes == [1, 2] && end.metadata == ["m": "n"])
    let isSameResult = (try? end.result.get())?.owned == value
    #expect(isSameResult)
  }

  @Test func largeValuesAreNotCopied() throws {
    let value = ToolValue.bytes([UInt8](repeating: 7, count: 1_000_000))
    guard case .chunk(1, .donated(let donated)) = try passed(.chunk(call: 1, value)) else {
      Issue.record("should be memory of the sender's")
      return
    }
    #expect(donated.memory.count == 1_000_000)
    #expect(UInt(bitPattern: donated.memory.withUnsafeBytes { $0.baseAddress }) % 64 == 0)
  }

  @Test func longFramesGoThroughMemory() throws {
    let text = String(repeating: "x", count: 300_000)
    guard case .progress(1, 0.5, text) = try passed(.progress(call: 1, 0.5, text)) else {
      Issue.record("should arrive")
      return
    }
  }

  @Test func everythingThatATakesPartInArrives() throws {
    let variable = VariableSnapshot(
      VariableFacts(
        id: "var_a_1", name: "a", type: .float, value: .float(1), version: 2, revision: 3,
        updatedAt: 4, writer: "w", constraintsJSON: "{}", metadata: ["x": "y"]))
    let change = VariableChange(
      .value, revision: 9, time: 8, variable: variable, previous: nil, cause: "c")
    guard case .changes(5, let changes) = try passed(.changes(watch: 5, [change, change])) else {
      Issue.record("should be changes")
      return
    }
    #expect(changes.count == 2 && changes[0].kind == .value && changes[0].revision == 9)
    #expect(changes[1].variable?.id == "var_a_1" && changes[1].variable?.metadata == ["x": "y"])
    #expect(changes[1].previous == nil && changes[1].cause == "c")

    for code in SessionError.Code.allCases {
      let error = SessionError(code, "m", details: ["d": "e"])
      guard
        case .reply(1, .failure(let arrived as SessionError)) = try passed(
          .reply(request: 1, .failure(error)))
      else {
        Issue.record("should be an error")
        return
      }
      #expect(arrived.code == code && arrived.message == "m" && arrived.details == ["d": "e"])
    }
    for code in ToolsError.Code.allCases {
      guard
        case .reply(1, .failure(let arrived as ToolsError)) = try passed(
          .reply(request: 1, .failure(ToolsError(code, "m"))))
      else {
        Issue.record("should be an error")
        return
      }
      #expect(arrived.code == code)
    }
  }

  @Test func aToolIsDescribedWhole() throws {
    var tool = ToolDescription(
      name: "t", description: "d",
      parameters: [
        try ParameterDescription(
          name: "p", description: "q", type: .value(.float), isRequired: false,
          defaultValue: .value(.float(1), .float), constraintsJSON: #"{"min":0}"#),
        try ParameterDescription(
          name: "o", description: "", type: .object, isRequired: true,
          schemaJSON: #"{"type":"object"}"#),
      ], plugin: "x")
    tool.title = "T"
    tool.output = try OutputDescription(type: .value(.integer), description: "n")
    (tool.streams, tool.isReadOnly, tool.isAtomic) = (true, true, true)
    tool.concurrency = .limited(4)
    (tool.reads, tool.writes) = (["a*"], ["b"])
    let loaded = ChildMessage.LoadedPlugin(
      name: "x", version: "1", description: "", tools: [tool])
    guard case .loaded(let arrived) = try passed(.loaded(loaded)) else {
      Issue.record("should be loaded")
      return
    }
    let other = try #require(arrived.tools.first)
    #expect(arrived.name == "x" && arrived.version == "1" && other.name == "t")
    #expect(other.title == "T" && other.output?.type == .value(.integer))
    #expect(other.streams && other.isReadOnly && other.isAtomic && !other.isDestructive)
    #expect(other.concurrency == .limited(4) && other.reads == ["a*"] && other.writes == ["b"])
    #expect(other.parameters.map(\.name) == ["p", "o"])
    #expect(other.parameters[0].defaultValue == .value(.float(1), .float))
    #expect(other.parameters[0].constraints != nil && other.parameters[1].schemaJSON != "")
  }

  // MARK: What is broken

  /// Every beginning of a frame, and every frame with one byte changed, is read or refused, and never more.
  @Test func whatIsCutOffOrChangedIsRefusedOrRead() {
    let frames =
      Self.values.map { value in
        HostMessage.call(
          HostMessage.CallToRun(
            number: 1, tool: 0, sessionID: "s", sessionEpoch: "e", arguments: [("a", value)],
            metadata: ["k": "v"], deadline: 5, isStreaming: false, depth: 0)
        ).frame.bytes
      } + [ChildMessage.request(1, call: 2, .watch(["a", "b"], initial: true)).frame.bytes]
    for frame in frames where frame.count < 1000 {
      for length in 0..<frame.count {
        frame[..<length].withUnsafeBytes { bytes in
          var reader = FrameReader(bytes)
          _ = try? HostMessage(&reader)
          var other = FrameReader(bytes)
          _ = try? ChildMessage(&other)
        }
      }
      for place in frame.indices {
        for change in [UInt8(1), 0x80, 0xff] {
          var broken = frame
          broken[place] ^= change
          broken.withUnsafeBytes { bytes in
            var reader = FrameReader(bytes)
            _ = try? HostMessage(&reader)
            var other = FrameReader(bytes)
            _ = try? ChildMessage(&other)
          }
        }
      }
    }
  }

  @Test func aListIsNoLongerThanItsFrame() {
    var writer = FrameWriter()
    writer.write(UInt32.max)
    writer.bytes.withUnsafeBytes { bytes in
      var reader = FrameReader(bytes)
      let list = Result { try reader.list { try $0.flag() } }
      #expect(throws: MalformedFrame.self) { try list.get() }
    }
  }

  @Test func memoryThatIsNotSealedIsRefused() throws {
    let (ours, theirs) = try #require(Channel.pair())
    let other = Channel(FileDescriptor(owning: theirs))
    var name = Array("/tmp/bridge-channel-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    unlink(name)
    ftruncate(file, 100)
    var header = FrameWriter()
    header.write(UInt8(2))
    header.write(UInt64(10))
    header.write(UInt64(64))
    let control = RunnerControl(FileDescriptor(owning: dup(ours.socket.number)))
    #expect(control.send(raw: header.bytes, file: file))
    close(file)
    let buffer = Channel.Buffer()
    #expect(throws: MalformedFrame.self) {
      try other.receive(into: buffer, waits: true) { _ = try HostMessage(&$0) }
    }
    withExtendedLifetime(control) {}
  }

  /// Reading a hole in a file of memory fills it, at the reader's cost.
  @Test func memoryThatWasNotWrittenIsRefused() throws {
    for (isWritten, size) in [(true, 4096), (false, 4096), (false, 1 << 35)] {
      let file = ChildSystem.makeSharedMemory()
      try #require(file >= 0)
      ftruncate(file, off_t(size))
      if isWritten { pwrite(file, [UInt8](repeating: 1, count: size), size, 0) }
      #expect(ChildSystem.seal(file))
      let taken = Result { try SharedMemory(mapping: FileDescriptor(owning: file)) }
      #expect(((try? taken.get()) != nil) == isWritten)
    }
  }

  /// Where this fails, the messages have changed: count `RunnerIdentity.messages` up, then put down the new sum.
  @Test func programsOfAnotherBuildAreToldApart() throws {
    let call = HostMessage.CallToRun(
      number: 1, tool: 2, sessionID: "s", sessionEpoch: "e",
      arguments: Self.values.enumerated().map { ("\($0)", $1) }, metadata: ["k": "v"], deadline: 5,
      isStreaming: true, depth: 3)
    var options = LoadOptions(configuration: "{}")
    options.selection.renames = ["a": "b"]
    let facts = VariableFacts(
      id: "var_a_1", name: "a", type: .float, value: .float(1), version: 2, revision: 3,
      updatedAt: 4, writer: "w", constraintsJSON: "{}", metadata: ["x": "y"])
    let variable = VariableSnapshot(facts)
    let change = VariableChange(
      .value, revision: 9, time: 8, variable: variable, previous: variable, cause: "c")
    let outcome = ToolOutcome(
      .failure(ToolFailure(code: 3, message: "m", type: "t", details: "{}", isRetryable: true)),
      binaryResult: Blob([1]), metadata: ["m": "n"])
    var tool = ToolDescription(
      name: "t", description: "d",
      parameters: [
        try ParameterDescription(
          name: "p", description: "q", type: .value(.float), isRequired: false,
          defaultValue: .value(.float(1), .float), constraintsJSON: #"{"min":0}"#)
      ], plugin: "x")
    tool.output = try OutputDescription(type: .value(.integer), description: "n")
    let host: [HostMessage] = [
      .load(
        .init(path: "p", files: [.init(name: "n", path: "q")], options, logLevel: .info)),
      .call(call), .cancel(call: 1, .cancelled), .room(call: 1), .reply(request: 1, .done),
      .reply(request: 1, .variables([variable])), .reply(request: 1, .variable(variable)),
      .reply(request: 1, .failure(SessionError(.variableNotFound, "m", details: ["d": "e"]))),
      .reply(request: 1, .failure(ToolsError(.limitReached, "m"))),
      .changes(watch: 1, [change]), .nested(call: 1, .chunk(.null)),
      .nested(call: 1, .progress(0.5, "m")), .nested(call: 1, .finished(outcome)),
      .sessionEnded(request: 1), .stop,
    ]
    let nested = ServiceRequest.NestedCall(
      tool: "t", arguments: [GivenArgument(name: "a", given: .null)], metadata: ["k": "v"],
      deadline: 1, isStreaming: false)
    let write = VariableWrite(
      "v", .value(.float(1), .float), expectedVersion: 2, metadata: ["k": "v"])
    let new = NewVariable(
      name: "v", type: .float, value: .value(.float(1), .float), constraintsJSON: "{}",
      metadata: ["k": "v"])
    let requests: [ServiceRequest] = [
      .get("v"), .list("*"), .set(write), .setAll([write]), .create(new),
      .remove("v"),
      .watch(["v"], initial: true), .start(nested), .whenSessionEnds,
    ]
    let child: [ChildMessage] =
      [
        .loaded(.init(name: "n", version: "1", description: "d", tools: [tool])), .refused("r"),
        .progress(call: 1, 0.5, "m"), .chunk(call: 1, .null), .returned(call: 1),
        .finished(call: 1, outcome), .delivered(watch: 1, wantsMore: true), .unwatch(watch: 1),
        .nestedRoom(call: 1), .nestedCancel(call: 1, .cancelled),
        .log(call: 1, level: .info, message: "m", metadata: ["k": "v"]), .stopped,
      ] + requests.map { .request(1, call: 2, $0) }
    // FNV-1a.
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in (host.map(\.frame) + child.map(\.frame)).flatMap(\.bytes) {
      sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    #expect(String(sum, radix: 16) == "38fca54b16eeb519")
  }

  @Test func noDeadlineIsBeforeTheClockBegan() throws {
    let call = ServiceRequest.NestedCall(
      tool: "t", arguments: [], metadata: [:], deadline: .min, isStreaming: false)
    guard case .request(1, 2, .start(let arrived)) = try passed(.request(1, call: 2, .start(call)))
    else {
      Issue.record("should be a request")
      return
    }
    #expect(arrived.deadline == 0)
  }

  @Test func framesThatWaitGoTogether() throws {
    let (ours, theirs) = try #require(Channel.pair())
    let other = Channel(FileDescriptor(owning: theirs))
    var outbox = Outbox()
    // Short ones, one that is too long for a message, and more than a message takes.
    let sizes = [1, 2, 100_000, 3, 40_000, 40_000, 4]
    for (index, size) in sizes.enumerated() {
      let text = String(repeating: "x", count: size)
      let isTaken = outbox.append(
        ChildMessage.progress(call: UInt64(index), 0, text).frame)
      #expect(isTaken)
    }
    let sent = outbox.send(on: ours, waits: true)
    #expect(sent == .sent)
    let buffer = Channel.Buffer()
    var seen: [[Int]] = []
    while seen.joined().count < sizes.count {
      var together: [Int] = []
      let received = try other.receive(into: buffer, waits: true) { reader in
        guard case .progress(_, _, let text) = try ChildMessage(&reader) else { return }
        together.append(text.utf8.count)
      }
      #expect(received == .frames)
      seen.append(together)
    }
    #expect(seen == [[1, 2], [100_000], [3, 40_000], [40_000, 4]])
    let rest = try other.receive(into: buffer, waits: false) { _ in }
    #expect(rest == .nothing)
  }

  @Test func aFullSocketKeepsTheOrder() throws {
    let (ours, theirs) = try #require(Channel.pair())
    let other = Channel(FileDescriptor(owning: theirs))
    var outbox = Outbox()
    let text = String(repeating: "x", count: 30_000)
    var count: UInt64 = 0
    var sent = Channel.Sent.sent
    while sent == .sent {
      let isTaken = outbox.append(ChildMessage.progress(call: count, 0, text).frame)
      #expect(isTaken)
      count += 1
      sent = outbox.send(on: ours, waits: false)
    }
    #expect(sent == .full)
    let buffer = Channel.Buffer()
    var numbers: [UInt64] = []
    while numbers.count < count {
      _ = try other.receive(into: buffer, waits: false) { reader in
        guard case .progress(let number, _, _) = try ChildMessage(&reader) else { return }
        numbers.append(number)
      }
      _ = outbox.send(on: ours, waits: false)
    }
    #expect(numbers == Array(0..<count))
    #expect({ outbox.isEmpty }())
  }
}
