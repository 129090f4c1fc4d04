#if DEBUG || FUZZ
  internal import Glibc
  internal import TrustedFiles

  @testable package import BridgePluginChannel

  /// An input as messages of a plugin's channel.
  ///
  /// Each begins with a byte that says how it is sent, and its length in two bytes, little-endian.
  package struct ChannelInput {
    private enum Way: UInt8, CaseIterable {
      /// As it is.
      case raw
      /// As a frame in a message of its own.
      case frame
      /// In shared memory; its first two bytes say where the frame ends, and the next two where the rest begins.
      case shared
      /// As it is, and a file goes with it.
      case withFile
      /// In memory that is lent, sizes as for `shared`.
      case lent
    }

    private let messages: [(way: Way, bytes: [UInt8])]
    /// What is sent at most, in bytes: so much a socket takes.
    private static let limit = 60_000

    package init(_ input: [UInt8]) {
      var messages: [(Way, [UInt8])] = []
      var rest = input.prefix(Self.limit)[...]
      while rest.count >= 3 {
        let header = Array(rest.prefix(3))
        let length = Int(header[1]) | Int(header[2]) << 8
        let body = rest.dropFirst(3).prefix(length)
        messages.append((Way.allCases[Int(header[0]) % Way.allCases.count], Array(body)))
        rest = rest.dropFirst(3 + body.count)
      }
      self.messages = messages
    }

    /// Sends the messages as far as the socket takes them.
    package func send(on channel: Channel) {
      for (way, bytes) in messages {
        guard send(bytes, way, on: channel) else { return }
      }
    }

    private func send(_ bytes: [UInt8], _ way: Way, on channel: Channel) -> Bool {
      switch way {
      case .raw: return send(bytes, on: channel)
      case .frame:
        var message = FrameWriter()
        message.write(Outbox.Kind.frames.rawValue)
        message.write(UInt32(bytes.count))
        return send(message.bytes + bytes, on: channel)
      case .lent:
        let sizes = Self.sizes(bytes)
        let content = Array(bytes.dropFirst(4))
        guard !content.isEmpty, let loan = channel.memory.lend(content.count) else { return true }
        content.withUnsafeBytes { loan.write($0, at: 0) }
        var header = FrameWriter()
        header.write(Outbox.Kind.lent.rawValue)
        header.write(loan.number)
        header.write(UInt64(content.count))
        header.write(sizes.length)
        header.write(sizes.start)
        return send(header.bytes, loan.file, on: channel)
      case .shared:
        let sizes = Self.sizes(bytes)
        let content = Array(bytes.dropFirst(4))
        guard !content.isEmpty else { return true }
        let file = ChildSystem.makeSharedMemory()
        precondition(file >= 0, "the system has no memory")
        defer { close(file) }
        let isWritten = write(file, content, content.count) == content.count
        precondition(isWritten && ChildSystem.seal(file))
        var header = FrameWriter()
        header.write(Outbox.Kind.shared.rawValue)
        header.write(sizes.length)
        header.write(sizes.start)
        return send(header.bytes, file, on: channel)
      case .withFile: return send(bytes, STDERR_FILENO, on: channel)
      }
    }

    private static func sizes(_ bytes: [UInt8]) -> (length: UInt64, start: UInt64) {
      let sizes = (Array(bytes.prefix(4)) + [0, 0, 0, 0]).map(UInt64.init)
      return (sizes[0] | sizes[1] << 8, sizes[2] | sizes[3] << 8)
    }

    /// An empty message would be the end of the channel.
    private func send(_ bytes: [UInt8], _ file: CInt = -1, on channel: Channel) -> Bool {
      bytes.isEmpty
        || bytes.withUnsafeBytes { channel.send($0, file: file, waits: false) } == .sent
    }
  }

  /// What a process reads of a host can be written again, and is the same then.
  func tryHostMessages(_ input: [UInt8]) throws(FuzzFailure) {
    for message in read(input, HostMessage.init) {
      let frame = message.frame
      let again = try succeeding { try resent(frame, HostMessage.init) }
      try requireSame(again.frame, frame)
    }
  }

  /// Likewise what a host reads of a process.
  func tryChildMessages(_ input: [UInt8]) throws(FuzzFailure) {
    for message in read(input, ChildMessage.init) {
      let frame = message.frame
      let again = try succeeding { try resent(frame, ChildMessage.init) }
      try requireSame(again.frame, frame)
    }
  }

  private func requireSame(_ one: FrameWriter, _ other: FrameWriter) throws(FuzzFailure) {
    // Entries of dictionaries may have changed places.
    try require(one.bytes.sorted() == other.bytes.sorted() && one.blobSize == other.blobSize)
  }

  private func read<Message>(
    _ input: [UInt8], _ read: (inout FrameReader) throws -> Message
  ) -> [Message] {
    guard let (ours, theirs) = Channel.pair() else { preconditionFailure("no more descriptors") }
    let other = Channel(FileDescriptor(owning: theirs))
    ChannelInput(input).send(on: ours)
    ours.close()
    let buffer = Channel.Buffer()
    var messages: [Message] = []
    // What is wrong ends the channel.
    while let received = try? other.receive(
      into: buffer, waits: false, { messages.append(try read(&$0)) }), received != .end
    {}
    return messages
  }

  private func resent<Message>(
    _ frame: FrameWriter, _ read: (inout FrameReader) throws -> Message
  ) throws -> Message {
    guard let (ours, theirs) = Channel.pair() else { preconditionFailure("no more descriptors") }
    let other = Channel(FileDescriptor(owning: theirs))
    var outbox = Outbox()
    precondition(outbox.append(frame), "the system has no memory")
    _ = outbox.send(on: ours, waits: true)
    let buffer = Channel.Buffer()
    var message: Message?
    _ = try other.receive(into: buffer, waits: true) { message = try read(&$0) }
    guard let message else { throw MalformedFrame("nothing has come") }
    return message
  }
#endif
