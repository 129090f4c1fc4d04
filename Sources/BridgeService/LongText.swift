internal import BinaryFormats
internal import BridgeProtocol
internal import BridgeSessions
internal import GRPC

// Event loops have no time for values of megabytes as text: such requests are read, and such answers made, on a
// thread.

extension SearchBudget {
  /// Looks at a value before it is read.
  ///
  /// - Parameters:
  ///   - text: JSON; beside bytes, what they are.
  /// - Throws: `SearchInterruption.needsTime`.
  func checkReading(_ text: [UInt8], binary: [UInt8]) throws(SearchInterruption) {
    try checkText(text.count)
    // Raw numbers are copied; lists are read one by one.
    if binary.count > Self.briefText, let format = (try? BinaryMetadata(json: text))?.format,
      format != .raw, format != .numpy
    {
      try checkText(binary.count)
    }
  }
}

extension BridgeService {
  /// Bytes of text that are to be made to answer variables, about.
  func textSize(_ variables: some Sequence<Variable>, _ call: ServerCall) -> Int {
    variables.reduce(0) { $0 + $1.textSize(form(of: $1, call)) }
  }

  /// Answers at once, or on a thread where that takes long.
  ///
  /// - Parameters:
  ///   - textSize: Bytes of text that are to be made for the answer.
  ///   - byteCount: Of the request.
  func answering(
    _ textSize: Int, _ call: ServerCall, holding byteCount: Int,
    _ answer: @escaping @Sendable () throws -> [UInt8]
  ) throws(RPCError) -> [UInt8] {
    guard textSize > SearchBudget.briefText else { return try mappingErrors(answer) }
    throw call.offloadingAnswer(holding: byteCount) { () throws(RPCError) in
      try mappingErrors(answer)
    }
  }
}
