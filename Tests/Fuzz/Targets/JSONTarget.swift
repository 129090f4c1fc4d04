#if DEBUG || FUZZ
  internal import BridgeSessions
  internal import JSON
  internal import RandomSessions

  /// What is read is written as text that reads as the same, and passed over as a whole.
  func tryJSON(_ input: [UInt8]) throws(FuzzFailure) {
    guard let value = try? JSON(parsing: input) else { return }
    let text = value.text
    let again = try succeeding { try JSON(parsing: text) }
    try require(again == value, "\(text) reads as another value")
    try require(again.text == text, "\(text) is written as \(again.text)")
    let isPassed = try succeeding {
      try Array("[\(text),true]".utf8).withUnsafeBytes { bytes in
        try JSON.read(bytes) { reader -> Bool in
          _ = reader.beginArray()
          reader.skip()
          return reader.boolean() == true
        }
      }
    }
    try require(isPassed, "\(text) is not passed over as a whole")
  }

  /// The first byte is the type.
  func tryValues(_ input: [UInt8]) throws(FuzzFailure) {
    guard let first = input.first else { return }
    let type = ValueType.allCases[Int(first) % ValueType.allCases.count]
    let text = Array(input.dropFirst())
    do {
      let value = try Value(json: text, as: type)
      let json = value.json(as: type)
      let again = try succeeding { try Value(json: json, as: type) }
      try require(
        Payload(again).facts == Payload(value).facts,
        "\(String(decoding: json, as: UTF8.self)) is another value")
      try storeAndRead(Payload(value), as: type)
    } catch let error as SessionError {
      try require(error.code == .invalidValue && !error.message.isEmpty, "\(error)")
    } catch let failure as FuzzFailure {
      throw failure
    } catch {
      throw FuzzFailure("\(error)")
    }
  }

  /// Whatever is taken can be stored and read again.
  func storeAndRead(_ payload: Payload, as type: ValueType) throws(FuzzFailure) {
    let parts = PayloadParts(payload, as: type)
    let read = try succeeding { try parts.payload(as: type) }
    try require(read.facts == payload.facts, "\(payload) is stored as \(read)")
  }
#endif
