import BridgeSessions
import BridgeTools
import Glibc
import JSON
import Logging
import Testing

@testable import BridgeRecording

@Suite struct RecordTests {
  /// A directory of a test's own, removed at the end.
  private final class Scratch {
    let path: String

    init() {
      var template = Array("/tmp/bridge-host-test-XXXXXX".utf8CString)
      path = String(cString: mkdtemp(&template))
    }

    deinit { _ = system("rm -r '\(path)'") }
  }

  private static let values: [ToolValue] = [
    .null, .value(.float(0.1), .float), .value(.float(-0.0), .float),
    .value(.float(.leastNonzeroMagnitude), .float), .value(.float(.infinity), .float),
    .value(.float(Double(bitPattern: 0xfff8_0000_0000_0001)), .float),
    .value(.integer(.min), .integer), .value(.boolean(true), .boolean),
    .value(.string("e\u{301} \0 \""), .string), .value(.string("a"), .choice),
    .value(
      .array(NumericArray([1, .nan, -.infinity, 4], shape: [2, 2], isNested: true)), .tensor),
    .value(.array(NumericArray([Double](repeating: 2, count: 20_000))), .embedding),
    .json(Array(#"{"a":[1.0, 1e0]}"#.utf8), .object), .json(Array("[]".utf8), .array),
    .json([UInt8](repeating: UInt8(ascii: " "), count: 100_000) + Array("1".utf8), .any),
    .bytes([]), .bytes([0, 255]), .bytes([UInt8](repeating: 7, count: 1_000_000)),
  ]

  private static let variable = VariableSnapshot(
    VariableFacts(
      id: "var_a_1", name: "a", type: .float, value: .float(1.5), version: 2, revision: 3,
      updatedAt: 4, writer: "w", constraintsJSON: "{}", metadata: ["x": "y"]))

  /// A call with everything that one can have.
  private static var whole: RecordedCall {
    var call = RecordedCall(
      tool: "t", plugin: "p",
      arguments: values.enumerated().map { ("a\($0)", $1) }, metadata: ["k": "v"], timeLeft: 5,
      isStreaming: true, depth: 2)
    (call.session, call.epoch, call.startedAt) = ("s", "e", 7)
    (call.took, call.hostTook) = (100, 50)
    let write = VariableWrite(
      "a", .value(.float(1), .float), expectedVersion: 2, metadata: ["m": "n"])
    let new = NewVariable(
      name: "n", type: .float, value: .value(.float(1), .float), constraintsJSON: "{}",
      metadata: ["m": "n"])
    var held = PendingChange("a", .check, by: "t")
    held.expected = .init(id: "var_a_1", number: 3)
    let changes = [
      held, PendingChange("a", .write(.value(.float(2), .float)), metadata: ["m": "n"], by: "t"),
      PendingChange("n", .create(new), by: "t"), PendingChange("n", .replace(new), by: "t"),
      PendingChange("n", .remove, by: "t"),
    ]
    let nested = RecordedCall.NestedCall(
      tool: "u", arguments: [GivenArgument(name: "x", given: .value(.integer(1), .integer))],
      metadata: ["m": "n"], isStreaming: true)
    let failure = ToolFailure(
      code: 3, message: "m", type: "t", details: #"{"a":1}"#, isRetryable: true)
    func asked(_ request: RecordedCall.Request, _ answer: RecordedCall.Answer) -> RecordedCall.Event
    {
      .asked(request, answer, at: 1, took: 2)
    }
    call.events = [
      asked(.get("a"), .variable(variable)),
      asked(.list("*"), .variables([variable, variable])),
      asked(.set(write), .failure(SessionError(.versionMismatch, "m", details: ["d": "e"]))),
      asked(.setAll([write, write]), .variables([])), asked(.create(new), .variable(variable)),
      asked(.remove("a"), .done), asked(.preview(held), .done),
      asked(.commit(changes), .failure(SessionError(.variableNotFound, "m"))),
      asked(.watch(1, ["a", "b*"], initial: true), .done),
      .changes(
        watch: 1,
        [
          VariableChange(
            .value, revision: 9, time: 8, variable: variable, previous: variable, cause: "c"),
          VariableChange(.synced, revision: 9),
        ]), .unwatched(watch: 1),
      asked(.start(2, nested), .done),
      asked(.start(3, nested), .failure(ToolsError(.limitReached, "m"))),
      .nestedChunk(call: 2, .value(.float(1), .float)), .nestedProgress(call: 2, 0.5, "half"),
      .nestedEnd(call: 2, ToolOutcome(.failure(failure))), asked(.whenSessionEnds, .done),
      asked(.get("late"), .none), .chunk(.bytes([1])), .progress(1, "done"), .log(.warning, "l"),
    ]
    call.outcome = ToolOutcome(
      .success(.value(.float(0.1), .float)), binaryResult: Blob([1, 2]), metadata: ["m": "n"])
    return call
  }

  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func files(_ scratch: Scratch, limit: Int = 1 << 30) throws -> RecordFiles {
    try RecordFiles(
      scratch.path, limit: limit,
      header: [.init(key: RecordReader.mark, value: .integer(RecordReader.version))], startedAt: 1)
  }

  private func written(
    _ call: RecordedCall, _ masks: Masks = Masks([]), in scratch: Scratch
  ) throws -> RecordedCall {
    let files = try files(scratch)
    var encoder = RecordEncoder(masks, files)
    try files.append(encoder.json(call))
    let file = try RecordReader.read(try RecordReader.files(at: scratch.path)[0])
    guard case .call(let read, _)? = file.lines.first else {
      throw RecordError("\(file.lines)")
    }
    return read
  }

  /// What is written of what was read is what was written before.
  @Test func aCallIsReadAsItWasWritten() throws {
    let scratch = Scratch()
    let read = try written(Self.whole, in: scratch)
    #expect(read.obstacle == nil)
    let values = WrittenValues(directory: scratch.path + "/again")
    var first = RecordEncoder(Masks([]), values)
    var second = RecordEncoder(Masks([]), values)
    #expect(first.json(Self.whole) == second.json(read))
    #expect(read.arguments.count == Self.values.count)
    for (argument, value) in zip(read.arguments, Self.values) {
      if case .value(.float(let number), _) = value {
        guard case .value(.float(let other), _) = argument.value else {
          Issue.record("\(argument) should be a float")
          continue
        }
        #expect(other.bitPattern == number.bitPattern)
      } else if case .value(.array(let array), _) = value {
        guard case .value(.array(let other), _) = argument.value else {
          Issue.record("\(argument.name) should be an array")
          continue
        }
        #expect(other.bytes == array.bytes && other.isNested == array.isNested)
      } else {
        #expect(argument.value == value)
      }
    }
    #expect(CallComparison().differences(from: Self.whole, to: read).isEmpty)
  }

  @Test func aValueWhoseFileWasChangedIsNotTaken() throws {
    let scratch = Scratch()
    let files = try files(scratch)
    var encoder = RecordEncoder(Masks([]), files)
    try files.append(encoder.json(Self.whole))
    let path = try RecordReader.files(at: scratch.path)[0]
    let directory = RecordPaths.values(of: path)
    let name = try #require(RecordPaths.names(in: directory).first)
    let file = open("\(directory)/\(name)", O_WRONLY)
    #expect(write(file, "x", 1) == 1)
    close(file)
    guard case .unreadable(let reason, _)? = try RecordReader.read(path).lines.first else {
      Issue.record("should not be read")
      return
    }
    #expect(reason.contains(name))
  }

  // MARK: Masks

  @Test func whatHasTheNameOfASecretIsHidden() throws {
    let masks = Masks(Masks.standard + ["Weight"])
    for name in [
      "password", "db_PASSWORD_2", "api_key", "Authorization", "weight", "my-token", "var_token_12",
    ] {
      #expect(masks.hide(name), "\(name)")
    }
    for name in ["pass", "weights", "key", "authorizations", "max_tokens", "var_1"] {
      #expect(!masks.hide(name), "\(name)")
    }
    let json = try JSON(parsing: #"{"a":[{"b":{"Client_Secret":1}}]}"#)
    #expect(masks.hide(within: json))
  }

  /// In every place that a value has a name.
  @Test func aSecretIsHiddenWhereverItIs() throws {
    let secret = ToolValue.value(.string("s3cr3t"), .string)
    let snapshot = VariableSnapshot(
      VariableFacts(
        id: "var_token_1", name: "token", type: .string, value: .string("s3cr3t"), version: 1,
        revision: 1, updatedAt: 1, writer: "w", constraintsJSON: "", metadata: ["token": "s3cr3t"]))
    let new = NewVariable(name: "token", type: .string, value: secret)
    let requests: [RecordedCall.Request] = [
      .set(VariableWrite("token", secret)), .setAll([VariableWrite("var_token_1", secret)]),
      .create(new), .preview(PendingChange("token", .write(secret), by: "t")),
      .commit([PendingChange("token", .replace(new), by: "t")]),
      .start(
        1,
        .init(
          tool: "u", arguments: [GivenArgument(name: "token", given: secret)], metadata: [:],
          isStreaming: false)),
    ]
    let events: [RecordedCall.Event] =
      requests.map { .asked($0, .done, at: 0, took: 0) } + [
        .asked(.get("token"), .variable(snapshot), at: 0, took: 0),
        .changes(watch: 1, [VariableChange(.value, revision: 1, variable: snapshot)]),
        .chunk(.json(Array(#"{"token":"s3cr3t"}"#.utf8), .object)),
      ]
    for event in events {
      var call = RecordedCall(
        tool: "t", plugin: "p", arguments: [], metadata: ["token": "s3cr3t"], isStreaming: false,
        depth: 0)
      call.events = [event]
      var encoder = RecordEncoder(
        Masks(Masks.standard), WrittenValues(directory: "/nonexistent"))
      let text = encoder.json(call).text
      #expect(!text.contains("s3cr3t") && text.contains("not_replayable"), "\(text)")
    }
  }

  // MARK: Files

  @Test func theOldestFilesGo() throws {
    let scratch = Scratch()
    let files = try files(scratch, limit: 80_000)
    for number in 0..<200 {
      let text = JSON.string("\(number) " + String(repeating: "x", count: 1000))
      try files.append(
        .object([
          .init(key: "dropped", value: .integer(Int64(number))), .init(key: "x", value: text),
        ]))
      let size = RecordPaths.names(in: scratch.path).reduce(0) {
        $0 + (RecordPaths.content("\(scratch.path)/\($1)")?.count ?? 0)
      }
      #expect(size <= 80_000)
    }
    let paths = try RecordReader.files(at: scratch.path)
    #expect(paths.count > 2)
    // Each has a header, and what is left is what came last, in order.
    let numbers = try paths.flatMap { path in
      try RecordReader.read(path).lines.map { line in
        if case .dropped(let number, _) = line { number } else { -1 }
      }
    }
    #expect(numbers == Array((200 - numbers.count)..<200))
  }

  @Test func whatIsNoRecordIsRefused() throws {
    let scratch = Scratch()
    #expect(throws: RecordError.self) { try RecordReader.files(at: scratch.path) }
    let path = "\(scratch.path)/calls-1.jsonl"
    for text in ["", "{}\n", "no JSON\n", #"{"bridge_host_record":2}"# + "\n"] {
      let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      write(file, text, text.utf8.count)
      close(file)
      #expect(throws: RecordError.self) { try RecordReader.read(path) }
    }
  }

  // MARK: The recorder

  private final class Silent: ToolCallObserver {
    func emitted(_ chunk: ToolValue) -> Bool { true }
    func progressed(_ fraction: Double, _ message: String) {}
    func finished(_ outcome: ToolOutcome) {}
  }

  private func call(_ recorder: CallRecorder, _ value: ToolValue = .null) {
    let tool = ToolDescription(name: "t", description: "", parameters: [], plugin: "p")
    let request = ToolCall.Request(arguments: Arguments(checked: [(name: "a", value: value)]))
    let tape = recorder.began(tool, request, session: "s", observer: Silent())
    tape?.observer.finished(ToolOutcome(.success(.null)))
  }

  @Test(arguments: [(0.0, 0), (0.1, 10), (0.5, 50), (1.0, 100)])
  func aPartOfTheCallsIsTaken(rate: Double, count: Int) throws {
    let scratch = Scratch()
    var configuration = CallRecorder.Configuration()
    configuration.rate = rate
    let recorder = try CallRecorder(scratch.path, configuration, version: "1", logger: Self.quiet)
    for _ in 0..<100 { call(recorder) }
    recorder.stop()
    let lines = try RecordReader.files(at: scratch.path).flatMap { try RecordReader.read($0).lines }
    #expect(lines.count == count)
  }

  /// Calls do not wait: what is too much is not kept, and that is written.
  @Test func whatIsTooMuchIsDroppedAndCounted() throws {
    let scratch = Scratch()
    var configuration = CallRecorder.Configuration()
    configuration.waitingLimit = 0
    let recorder = try CallRecorder(scratch.path, configuration, version: "1", logger: Self.quiet)
    for _ in 0..<100 { call(recorder) }
    recorder.stop()
    let lines = try RecordReader.files(at: scratch.path).flatMap { try RecordReader.read($0).lines }
    guard lines.count == 1, case .dropped(100, _) = lines[0] else {
      Issue.record("all should be counted: \(lines)")
      return
    }
    // Nor is what comes after the end, and nobody waits for it.
    call(recorder)
  }

  @Test func aValueThatIsTooLargeIsCut() throws {
    let scratch = Scratch()
    let recorder = try CallRecorder(scratch.path, version: "1", logger: Self.quiet)
    call(recorder, .bytes([UInt8](repeating: 1, count: RecordingTape.valueLimit + 1)))
    recorder.stop()
    let path = try RecordReader.files(at: scratch.path)[0]
    guard case .call(let read, _)? = try RecordReader.read(path).lines.first else {
      Issue.record("should be a call")
      return
    }
    #expect(read.obstacle == "a value of \(RecordingTape.valueLimit + 1) bytes was cut")
  }

  // MARK: Comparing

  private func result(_ value: ToolValue, took: Int64 = 0, hostTook: Int64 = 0) -> RecordedCall {
    var call = RecordedCall(
      tool: "t", plugin: "p", arguments: [], metadata: [:], isStreaming: false, depth: 0)
    call.outcome = ToolOutcome(.success(value))
    (call.took, call.hostTook) = (took, hostTook)
    return call
  }

  @Test func floatsAreTheSameWithinTheTolerance() {
    var comparison = CallComparison()
    let pairs: [(ToolValue, ToolValue)] = [
      (.value(.float(1), .float), .value(.float(1 + 1e-10), .float)),
      (
        .value(.array(NumericArray([1, 2])), .embedding),
        .value(.array(NumericArray([1, 2 + 1e-10])), .embedding)
      ),
      (
        .json(Array(#"{"a":1.0,"b":[2]}"#.utf8), .object),
        .json(Array(#"{"b":[2],"a":1.0000000001}"#.utf8), .object)
      ),
    ]
    for (old, new) in pairs {
      comparison.floatTolerance = 0
      #expect(comparison.differences(from: result(old), to: result(new)).map(\.kind) == [.result])
      comparison.floatTolerance = 1e-9
      #expect(comparison.differences(from: result(old), to: result(new)).isEmpty)
      comparison.floatTolerance = 1e-11
      #expect(comparison.differences(from: result(old), to: result(new)).map(\.kind) == [.result])
    }
    // NaN is itself; the two zeros are one number.
    let same: [(Double, Double)] = [(.nan, .nan), (0, -0.0), (.infinity, .infinity)]
    for (old, new) in same {
      #expect(
        comparison.differences(
          from: result(.value(.float(old), .float)), to: result(.value(.float(new), .float))
        ).isEmpty)
    }
    #expect(
      !comparison.differences(
        from: result(.value(.float(1), .float)), to: result(.value(.integer(1), .integer))
      ).isEmpty)
  }

  /// What the host takes to answer is not the tool's.
  @Test func timeIsComparedWhereItIsAskedFor() {
    var comparison = CallComparison()
    let old = result(.null, took: 12_000_000, hostTook: 10_000_000)
    func kinds(_ took: Int64, _ hostTook: Int64) -> [CallDifference.Kind] {
      comparison.differences(from: old, to: result(.null, took: took, hostTook: hostTook)).map(
        \.kind)
    }
    #expect(kinds(900_000_000, 0) == [])
    comparison.slowerThan = 3
    #expect(kinds(7_000_000, 0) == [.time])
    #expect(kinds(5_900_000, 0) == [])
    #expect(kinds(90_000_000, 85_000_000) == [])
    // Far more, and next to nothing.
    let quick = result(.null, took: 1000)
    #expect(comparison.differences(from: quick, to: result(.null, took: 900_000)).isEmpty)
  }
}
