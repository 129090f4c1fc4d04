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
      deframer.compressed = .inflated
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
      // Also stops after each message, and goes on.
      var position = 0
      while position < copy.count {
        let part = UnsafeRawBufferPointer(rebasing: copy[position...])
        position += try deframer.consume(part) { message throws(RPCError) in
          messages.append(message)
          return false
        }
      }
    }
    let whole = deframe(cuts: Int.max)
    try require(whole == deframe(cuts: 1))
    try require(whole == deframe(cuts: 7))
    try require(whole.messages.allSatisfy { $0.count <= 5000 })
  }
#endif
