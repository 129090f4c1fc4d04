import BinaryFormats
import BridgeSessions
import FoundationEssentials
import SwiftProtobuf
import Testing

@testable import BridgeProtocol

/// The messages written by hand are held against the generated ones.
@Suite struct MessageTests {
  private func makeSession() throws -> Session { try SessionStore().create("s") }

  private func decode(_ variable: Variable, _ form: ValueForm = .json) throws
    -> Snakepit_Bridge_Variable
  {
    try Snakepit_Bridge_Variable(serializedBytes: variable.encoded(form))
  }

  @Test func variablesReadBack() throws {
    let session = try makeSession()
    try session.register(
      name: "t", type: .float, constraints: #"{"max":9}"#, payload: Payload(.float(1)),
      metadata: ["unit": "K", "owner": "x"], writer: Writer(.elixir))
    let variable = try session.set(
      "t", writer: Writer(.python, metadata: ["source": "python", "owner": "y"])
    ) { _ in Payload(.float(2.5), form: .snakepitURL) }
    let message = try decode(variable)
    #expect(message.id == "var_t_1")
    #expect(message.name == "t")
    #expect(message.type == "float")
    #expect(message.value.typeURL == "type.googleapis.com/snakepit.float")
    #expect(Array(message.value.value) == Array("2.5".utf8))
    #expect(message.constraintsJson == #"{"max":9}"#)
    #expect(message.metadata == ["unit": "K", "owner": "y", "source": "python"])
    #expect(message.source == .python)
    #expect(message.version == 2)
    #expect(message.revision == 2)
    #expect(message.lastUpdatedAt.seconds == variable.updatedAt / 1_000_000_000)
    #expect(message.unknownFields.data.isEmpty)
    #expect(variable.encoded(.json) == variable.encoded(.json))
  }

  @Test func binaryAndAttachmentsTravelBeside() throws {
    let session = try makeSession()
    let numbers = NumericArray((0..<3000).map(Double.init))
    let embedding = try session.register(
      name: "e", type: .embedding, payload: Payload(.array(numbers)), writer: Writer(.plugin))
    #expect(embedding.form(.none) == .json)
    #expect(embedding.form(.format(.raw)) == .binary(.raw))
    let message = try decode(embedding, .binary(.raw))
    #expect(message.value.typeURL == "dspex.variables/embedding.binary")
    #expect(Array(message.binaryValue) == numbers.bytes)
    #expect(message.source == .plugin)
    let back = try Payload(
      typeURL: message.value.typeURL, value: Array(message.value.value),
      binary: Array(message.binaryValue), as: .embedding)
    #expect(back.value == .array(numbers))
    #expect(try decode(embedding).binaryValue.isEmpty)
    for form in [ValueForm.json, .binary(.raw), .binary(.numpy)] {
      let answer = try Snakepit_Bridge_GetVariableResponse(
        serializedBytes: GetVariableResponse.encode(
          embedding, revision: 7, epoch: "e", form: form
        ).joined)
      #expect(try answer.variable == decode(embedding, form))
      #expect((answer.revision, answer.epoch) == (7, "e"))
      #expect(answer.unknownFields.data.isEmpty)
    }

    let text = try session.register(
      name: "s", type: .string, payload: Payload(.string("x"), attachment: [1, 2]),
      writer: Writer(.host))
    #expect(Array(try decode(text).binaryValue) == [1, 2])
    #expect(try decode(text).source == .host)
  }

  @Test func everyFormIsEncodedOnce() throws {
    let session = try makeSession()
    let variable = try session.register(
      name: "t", type: .tensor,
      payload: Payload(.array(NumericArray([1, 2, 3, 4], shape: [2, 2]))),
      writer: Writer(.elixir))
    let forms = [.json] + BinaryFormat.allCases.map { ValueForm.binary($0) }
    let first = forms.map { variable.encoded($0) }
    for (index, form) in forms.enumerated().reversed() {
      let again = variable.encodings.bytes(form) {
        Issue.record("encoded again")
        return []
      }
      #expect(again == first[index])
      #expect(first.filter { $0 == again }.count == 1)
    }
    let metadata = try first[1...].map {
      let value = try Snakepit_Bridge_Variable(serializedBytes: $0).value.value
      return try BinaryMetadata(json: Array(value)).format
    }
    #expect(metadata == BinaryFormat.allCases)
  }

  /// Flat lists come back flat to who wrote them, and nested in the formats of others.
  @Test func listsAreNestedAsTheyWereWritten() throws {
    let session = try makeSession()
    let array = NumericArray([1, 2, 3, 4], shape: [2, 2])
    for (format, other) in [(BinaryFormat.pickle, BinaryFormat.erlang), (.erlang, .pickle)] {
      let variable = try session.register(
        name: format.rawValue, type: .tensor,
        payload: Payload(.array(array), binaryFormat: format), writer: Writer(.elixir))
      let own = try decode(variable, .binary(format))
      #expect(Array(own.binaryValue) == array.binary(format, nested: false))
      let foreign = try decode(variable, .binary(other))
      #expect(Array(foreign.binaryValue) == array.binary(other, nested: true))
    }
  }

  @Test func updatesReadBack() throws {
    let session = try makeSession()
    let first = try session.register(
      name: "a", type: .integer, payload: Payload(.integer(1)), writer: Writer(.elixir))
    let (watch, _, _) = try session.watch([]) {}
    try session.set("a", writer: Writer(.elixir, metadata: ["source": "me", "k": "v"])) { _ in
      Payload(.integer(2))
    }
    _ = try session.delete("a", writer: Writer(.elixir))
    var changes: [Change] = []
    while case .more = watch.take(&changes, limit: 10) {}
    let updates = try changes.map {
      try Snakepit_Bridge_VariableUpdate(
        serializedBytes: UpdateEncoding.change($0, epoch: "e", form: .json))
    }
    #expect(updates.map(\.updateType) == ["value_change", "deleted"])
    #expect(updates.map(\.revision) == [2, 3])
    #expect(updates[0].epoch == "e")
    #expect(updates[0].updateSource == "me")
    #expect(updates[0].updateMetadata == ["source": "me", "k": "v"])
    #expect(Array(updates[0].oldValue.value) == Array("1".utf8))
    #expect(updates[0].oldVersion == 1)
    #expect(updates[0].variable.version == 2)
    #expect(!updates[0].moreInRevision)
    #expect(updates[1].cause == "deleted")
    #expect(Array(updates[1].oldValue.value) == Array("2".utf8))

    let initial = try Snakepit_Bridge_VariableUpdate(
      serializedBytes: UpdateEncoding.initial(first, revision: 1, epoch: "e", form: .json))
    #expect(initial.updateType == "initial_value")
    #expect(initial.variable.name == "a")
    let closed = try Snakepit_Bridge_VariableUpdate(
      serializedBytes: UpdateEncoding.bookmark(.sessionClosed(.expired), revision: 7, epoch: "e"))
    #expect(closed.updateType == "session_closed")
    #expect(closed.cause == "expired")
    #expect(closed.revision == 7)
    #expect(!closed.hasVariable)
  }

  @Test func requestsAreReadAsGeneratedCodeWritesThem() throws {
    for _ in 0..<300 {
      let request = Snakepit_Bridge_SetVariableRequest.with {
        $0.sessionID = randomText()
        $0.variableIdentifier = randomText()
        $0.value.typeURL = randomText()
        $0.value.value = Data(randomText().utf8)
        // More than 16 are told apart in another way than few.
        for _ in 0..<Int.random(in: 0...3) * Int.random(in: 1...9) {
          $0.metadata[randomText()] = randomText()
        }
        $0.expectedVersion = Bool.random() ? 0 : .random(in: .min ... .max)
        $0.binaryValue = Data(randomText().utf8)
      }
      let read = try #require(try? SetVariableRequest(request: try request.serializedBytes()))
      #expect(read.sessionID == request.sessionID)
      #expect(read.identifier == request.variableIdentifier)
      #expect(read.typeURL == request.value.typeURL)
      #expect(read.value == Array(request.value.value))
      #expect(read.metadata == VariableMetadata(request.metadata))
      #expect(read.expectedVersion == request.expectedVersion)
      #expect(read.binaryValue == Array(request.binaryValue))
    }
    let get = Snakepit_Bridge_GetVariableRequest.with {
      $0.sessionID = "s"
      $0.variableIdentifier = "v"
      $0.bypassCache = true
    }
    let read = try #require(try? GetVariableRequest(request: try get.serializedBytes()))
    #expect((read.sessionID, read.identifier) == ("s", "v"))
  }

  @Test func toolCallsAreReadAsGeneratedCodeWritesThem() throws {
    for _ in 0..<300 {
      let request = Snakepit_Bridge_ExecuteToolRequest.with {
        $0.sessionID = randomText()
        $0.toolName = randomText()
        $0.stream = .random()
        $0.includeProgress = .random()
        // More than 16 are told apart in another way than few.
        for _ in 0..<Int.random(in: 0...3) * Int.random(in: 1...9) {
          $0.parameters[randomText()] = .with {
            $0.typeURL = randomText()
            $0.value = Data(randomText().utf8)
          }
        }
        for name in $0.parameters.keys.shuffled().prefix(2) + ["only binary"] where Bool.random() {
          $0.binaryParameters[name] = Data(randomText().utf8)
        }
        for _ in 0..<Int.random(in: 0...3) { $0.metadata[randomText()] = randomText() }
      }
      let bytes: [UInt8] = try request.serializedBytes()
      // Of entries with one name the last counts.
      let read = try #require(try? ExecuteToolRequest(request: bytes + bytes))
      #expect(read.sessionID == request.sessionID)
      #expect(read.toolName == request.toolName)
      #expect(read.includesProgress == request.includeProgress)
      #expect(read.metadata == VariableMetadata(request.metadata))
      let names = read.parameters.map(\.name)
      #expect(Set(names).count == names.count)
      #expect(
        Set(names) == Set(request.parameters.keys).union(request.binaryParameters.keys))
      for parameter in read.parameters {
        let any = request.parameters[parameter.name] ?? .init()
        #expect(parameter.typeURL == any.typeURL)
        #expect(parameter.content == Array(any.value))
        #expect(parameter.binary == Array(request.binaryParameters[parameter.name] ?? .init()))
      }
    }
  }

  @Test func answersOfToolsReadBack() throws {
    for _ in 0..<100 {
      var answer = ExecuteToolResponse()
      answer.isSuccess = .random()
      if Bool.random() { answer.result = (randomText(), Array(randomText().utf8)) }
      answer.errorMessage = randomText()
      for _ in 0..<Int.random(in: 0...3) { answer.metadata[randomText()] = randomText() }
      answer.milliseconds = Bool.random() ? 0 : .random(in: 0 ... .max)
      answer.binaryResult = (0..<Int.random(in: 0..<300)).map { _ in .random(in: .min ... .max) }
      let read = try Snakepit_Bridge_ExecuteToolResponse(serializedBytes: answer.encode())
      #expect(read.success == answer.isSuccess)
      #expect(read.hasResult == (answer.result != nil))
      #expect(read.result.typeURL == answer.result?.typeURL ?? "")
      #expect(Array(read.result.value) == answer.result?.json ?? [])
      #expect(read.errorMessage == answer.errorMessage)
      #expect(VariableMetadata(read.metadata) == answer.metadata)
      #expect(read.executionTimeMs == answer.milliseconds)
      #expect(Array(read.binaryResult) == answer.binaryResult)
    }
  }

  private func randomText() -> String {
    String((0..<Int.random(in: 0..<40)).map { _ in "aäöß€😀\u{0}\"".randomElement()! })
  }

  /// Whatever bytes come, reading ends: in a request where the generated code reads one too, and
  /// without one where that refuses.
  @Test func anyBytesAreReadOrRefused() throws {
    let sample: [UInt8] = try Snakepit_Bridge_SetVariableRequest.with {
      $0.sessionID = "session"
      $0.variableIdentifier = "name"
      $0.value.value = Data("5".utf8)
      $0.metadata = ["a": "b"]
      $0.expectedVersion = 3
    }.serializedBytes()
    for _ in 0..<5000 {
      var bytes = sample
      for _ in 0..<Int.random(in: 1...3) {
        bytes[.random(in: bytes.indices)] = .random(in: .min ... .max)
      }
      if Bool.random() { bytes.removeLast(.random(in: 0..<bytes.count)) }
      let generated = try? Snakepit_Bridge_SetVariableRequest(serializedBytes: bytes)
      let fast = try? SetVariableRequest(request: bytes)
      if let generated, let fast {
        #expect(fast.sessionID == generated.sessionID)
        #expect(fast.identifier == generated.variableIdentifier)
        #expect(fast.expectedVersion == generated.expectedVersion)
      } else if fast != nil {
        Issue.record("read what the generated code refuses: \(bytes)")
      }
    }
  }

  @Test func responsesReadBack() throws {
    let session = try makeSession()
    let variable = try session.register(
      name: "a", type: .integer, payload: Payload(.integer(1)), writer: Writer(.elixir))
    let get = try Snakepit_Bridge_GetVariableResponse(
      serializedBytes: GetVariableResponse.encode(
        variable, revision: 9, epoch: "e", form: .json
      ).joined)
    #expect(get.variable.name == "a")
    #expect((get.revision, get.epoch) == (9, "e"))
    let register = try Snakepit_Bridge_RegisterVariableResponse(
      serializedBytes: RegisterVariableResponse.encode(variable, epoch: "e", form: .json))
    #expect(register.success)
    #expect((register.variableID, register.revision, register.epoch) == ("var_a_1", 1, "e"))
    #expect(register.variable == get.variable)
    let set = try Snakepit_Bridge_SetVariableResponse(
      serializedBytes: SetVariableResponse.encode(variable, epoch: "e"))
    #expect(set.success)
    #expect((set.newVersion, set.revision, set.epoch) == (1, 1, "e"))
  }
}
