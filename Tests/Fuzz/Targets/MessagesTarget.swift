#if DEBUG || FUZZ
  @testable internal import GRPC

  /// However a stream is cut, the same messages come out of it, or the same error.
  func tryMessages(_ input: [UInt8]) throws(FuzzFailure) {
    struct Outcome: Equatable {
      var messages: [[UInt8]] = []
      var error: StatusCode?
      var isBetweenMessages = false
    }
    func deframe(cuts: Int) -> Outcome {
      var outcome = Outcome()
      var deframer = MessageDeframer(limit: 5000)
      deframer.allowsCompressed = true
      do throws(RPCError) {
        var rest = input[...]
        while !rest.isEmpty {
          let piece = Array(rest.prefix(cuts))
          rest = rest.dropFirst(cuts)
          try deframe(piece, &deframer, &outcome.messages)
        }
        outcome.isBetweenMessages = deframer.isBetweenMessages
      } catch {
        outcome.error = error.code
      }
      return outcome
    }
    func deframe(
      _ piece: [UInt8], _ deframer: inout MessageDeframer, _ messages: inout [[UInt8]]
    ) throws(RPCError) {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
      defer { copy.deallocate() }
      copy.copyBytes(from: piece)
      var rest = UnsafeRawBufferPointer(copy)
      while let message = try deframer.next(&rest) {
        messages.append(try message.content(limit: 5000))
      }
    }
    let whole = deframe(cuts: Int.max)
    try require(whole == deframe(cuts: 1))
    try require(whole == deframe(cuts: 7))
    try require(whole.messages.allSatisfy { $0.count <= 5000 })
  }
#endif
