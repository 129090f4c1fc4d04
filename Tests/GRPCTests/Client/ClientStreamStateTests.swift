import CNghttp2
import Testing

@testable import GRPC

/// An attempt's life without a socket: what happens on a stream, and what follows.
@Suite struct ClientStreamStateTests {
  private func head(_ fields: (String, String)...) -> ResponseHead {
    var head = ResponseHead()
    for (name, value) in fields {
      Array(name.utf8).withUnsafeBytes { name in
        Array(value.utf8).withUnsafeBytes { head.add(name: name, value: $0, limit: 1 << 16) }
      }
    }
    return head
  }

  private var headers: ResponseHead {
    head((":status", "200"), ("content-type", "application/grpc"), ("x-a", "b"))
  }

  private var trailers: ResponseHead { head(("grpc-status", "0"), ("x-c", "d")) }

  private func state(one: Bool = true, begun: Bool = false) -> ClientStreamState {
    var state = ClientStreamState(takesOneResponse: one)
    if begun { _ = receive(&state, headers) }
    return state
  }

  private func receive(
    _ state: inout ClientStreamState, _ head: ResponseHead, isLast: Bool = false,
    isBetweenMessages: Bool = true, limit: Int = 1 << 16
  ) -> ClientStreamState.Action {
    state.received(
      head, isLast: isLast, isBetweenMessages: isBetweenMessages, limit: limit)
  }

  /// The end that an action tells: its status (nil for OK), progress and reset.
  private func end(
    _ action: ClientStreamState.Action, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (code: StatusCode?, progress: RetryState.Progress, reset: nghttp2_error_code?) {
    guard case .end(let end, let progress, let reset) = action else {
      Issue.record("\(action) is no end", sourceLocation: sourceLocation)
      throw CancellationError()
    }
    return (end.error?.code, progress, reset)
  }

  private func isNothing(_ action: ClientStreamState.Action) -> Bool {
    if case .nothing = action { true } else { false }
  }

  @Test func aResponseRunsItsCourse() throws {
    var state = state()
    state.sentEnd()
    guard case .begin(let metadata, isCompressed: false) = receive(&state, headers) else {
      Issue.record("it did not begin")
      return
    }
    #expect(metadata["x-a"] == "b")
    #expect(state.isReceiving)
    #expect(isNothing(state.received(messages: 0, error: nil)))
    #expect(isNothing(state.received(messages: 1, error: nil)))
    let end = try end(receive(&state, trailers, isLast: true))
    #expect(end == (nil, .sent, nil))
    #expect(state.isOver)
    // What comes after the end means nothing.
    #expect(isNothing(receive(&state, trailers, isLast: true)))
    #expect(isNothing(state.receivedEndOfData()))
    #expect(isNothing(state.closed(.reset(errorCode: 0), isLate: false)))
    #expect(state.abandon() == false)
  }

  @Test func anAnswerBeforeTheRequestsEndStopsTheRequest() throws {
    var state = state(begun: true)
    _ = state.received(messages: 1, error: nil)
    #expect(try end(receive(&state, trailers, isLast: true)) == (nil, .sent, NGHTTP2_NO_ERROR))
  }

  @Test func informationalHeadersAreNotTheResponse() {
    var state = state()
    #expect(isNothing(receive(&state, head((":status", "103")))))
    #expect(!state.isReceiving)
  }

  @Test(arguments: [0, 2]) func oneResponseIsOne(count: Int) throws {
    var state = state(begun: true)
    let afterMessages = state.received(messages: count, error: nil)
    let action = count > 1 ? afterMessages : receive(&state, trailers, isLast: true)
    #expect(try end(action).code == .unimplemented)
    // A stream may have any number.
    var stream = self.state(one: false, begun: true)
    #expect(isNothing(stream.received(messages: count, error: nil)))
    #expect(try end(receive(&stream, trailers, isLast: true)).code == nil)
  }

  // MARK: Mistakes of the server

  @Test func aServersMistakesEndTheCall() throws {
    var twice = state(one: false, begun: true)
    #expect(try end(receive(&twice, headers)) == (.internalError, .sent, NGHTTP2_CANCEL))

    var cut = state(one: false, begun: true)
    let cutEnd = try end(receive(&cut, trailers, isLast: true, isBetweenMessages: false))
    #expect(cutEnd.code == .internalError)

    var silent = state(one: false, begun: true)
    #expect(try end(silent.receivedEndOfData()).code == .internalError)

    var other = state()
    let html = head((":status", "503"), ("content-type", "text/html"))
    #expect(try end(receive(&other, html)) == (.unavailable, .sent, NGHTTP2_CANCEL))

    for (type, code) in [
      ("application/grpc", nil), ("application/grpc+proto", nil),
      ("application/grpc;charset=utf-8", nil), ("application/grpc+proto; x=y", nil),
      ("application/grpc+json", StatusCode.unknown),
      ("application/grpc+protobuf", .unknown),
    ] {
      var typed = state()
      let action = receive(&typed, head((":status", "200"), ("content-type", type)))
      if let code {
        #expect(try end(action) == (code, .sent, NGHTTP2_CANCEL))
      } else {
        #expect(typed.isReceiving, "\(type)")
      }
    }

    var encoded = state()
    let strange = head(
      (":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "lz4"))
    #expect(try end(receive(&encoded, strange)).code == .internalError)

    var long = state()
    #expect(try end(receive(&long, headers, limit: 10)).code == .resourceExhausted)

    var unreadable = state(one: false, begun: true)
    let error = RPCError(.dataLoss, "")
    #expect(
      try end(unreadable.received(messages: 1, error: error)) == (.dataLoss, .sent, NGHTTP2_CANCEL))
  }

  // MARK: Streams that go away

  @Test func whatWasNeverSentMayBeSentElsewhere() throws {
    var overtaken = state()
    #expect(
      try end(overtaken.closed(.overtaken, isLate: false))
        == (.unavailable, .unsent, NGHTTP2_CANCEL))

    var retired = state()
    retired.headersNotSent(errorCode: NGHTTP2_ERR_START_STREAM_NOT_ALLOWED.rawValue)
    #expect(
      try end(retired.closed(.reset(errorCode: NGHTTP2_INTERNAL_ERROR.rawValue), isLate: false))
        == (.unavailable, .unsent, nil))

    var unsendable = state()
    unsendable.headersNotSent(errorCode: NGHTTP2_ERR_FRAME_SIZE_ERROR.rawValue)
    #expect(
      try end(unsendable.closed(.reset(errorCode: NGHTTP2_INTERNAL_ERROR.rawValue), isLate: false))
        == (.internalError, .sent, nil))

    let lost = RPCError(.unavailable, "lost")
    for wasOpened in [false, true] {
      var state = state()
      #expect(
        try end(state.closed(.lost(lost, wasOpened: wasOpened), isLate: false))
          == (.unavailable, wasOpened ? .sent : .unsent, nil))
    }
  }

  @Test func resetsSayWhatTheServerDid() throws {
    for (code, isLate, status, progress) in [
      (NGHTTP2_REFUSED_STREAM, false, StatusCode.unavailable, RetryState.Progress.refused),
      (NGHTTP2_CANCEL, false, .cancelled, .sent),
      (NGHTTP2_CANCEL, true, .deadlineExceeded, .sent),
      (NGHTTP2_INTERNAL_ERROR, true, .internalError, .sent),
    ] {
      var state = state(begun: true)
      #expect(
        try end(state.closed(.reset(errorCode: code.rawValue), isLate: isLate))
          == (status, progress, nil))
    }
  }

  @Test func anAbandonedStreamIsResetOnce() {
    var state = state()
    #expect(state.abandon() == true)
    #expect(state.abandon() == false)
    #expect(isNothing(receive(&state, headers)))
    #expect(isNothing(state.closed(.reset(errorCode: 8), isLate: false)))
  }

  // MARK: Mistakes of this program

  @Test func theRequestEndsOnce() async {
    await #expect(processExitsWith: .failure) {
      var state = ClientStreamState(takesOneResponse: true)
      state.sentEnd()
      state.sentEnd()
    }
  }
}
