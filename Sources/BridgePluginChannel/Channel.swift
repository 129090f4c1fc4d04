internal import BridgeTools
internal import CPluginProcess
internal import Glibc
package import TrustedFiles

/// The connection of a host and the child process of a plugin: frames, each in one message of a socket.
///
/// A frame that is long, or has something beside it, is put into shared memory, which goes with a short
/// message in its place. Thread-safe: any thread may send and receive, one at a time each.
///
/// Source: unix(7), SOCK_SEQPACKET and SCM_RIGHTS.
package final class Channel: Sendable {
  /// The open socket.
  package let socket: FileDescriptor

  /// What both sides lend each other.
  package let memory: LentMemory

  /// Takes a connected SOCK_SEQPACKET socket over.
  ///
  /// - Parameter isTrusted: Whether the other side may be believed to leave alone what it has lent.
  package init(_ socket: consuming FileDescriptor, isTrusted: Bool = false) {
    self.socket = socket
    memory = LentMemory(copies: !isTrusted)
  }

  /// Makes the two ends of a channel.
  ///
  /// - Returns: Ours, and the number of the descriptor that is theirs, which the caller takes over; nil with
  ///   `errno` where the system has no more descriptors.
  package static func pair() -> (ours: Channel, theirs: CInt)? {
    var ends: [CInt] = [-1, -1]
    let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
    return (Channel(FileDescriptor(owning: ends[0])), ends[1])
  }

  /// What became of a message.
  package enum Sent: Sendable {
    case sent
    /// The other side does not take more for now; nothing was sent.
    case full
    /// There is no other side any more.
    case closed
  }

  /// Sends a message.
  ///
  /// - Parameters:
  ///   - file: What goes with it; -1 where nothing does.
  ///   - waits: Whether the thread waits for the other side to take it.
  func send(_ message: UnsafeRawBufferPointer, file: CInt = -1, waits: Bool) -> Sent {
    if plugin_send(socket.number, message.baseAddress, message.count, file, waits ? 1 : 0) >= 0 {
      return .sent
    }
    // ETOOMANYREFS: too many descriptors are on their way.
    let isFull = [EAGAIN, EWOULDBLOCK, ENOBUFS, ENOMEM, ETOOMANYREFS].contains(errno)
    return isFull ? .full : .closed
  }

  /// Room for one message.
  package struct Buffer: ~Copyable {
    fileprivate let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(PLUGIN_MESSAGE_LIMIT), alignment: 16)

    /// Room that nothing is in.
    package init() {}

    deinit { bytes.deallocate() }
  }

  /// What came.
  package enum Received: Equatable {
    /// Frames, which have been read.
    case frames
    /// The other process says how it crashed.
    case crash(CrashRecord)
    /// Nothing is there now.
    case nothing
    /// The other side has closed its end, or is gone.
    case end
  }

  /// Receives a message, and has its frames read.
  ///
  /// - Parameters:
  ///   - waits: Whether the thread waits for one.
  ///   - read: Called at once for each frame, in order; the reader is valid inside it.
  /// - Throws: `MalformedFrame`, and what `read` throws.
  package func receive(
    into buffer: borrowing Buffer, waits: Bool, _ read: (inout FrameReader) throws -> Void
  ) throws -> Received {
    var number: CInt = -1
    let count = plugin_receive(
      socket.number, buffer.bytes.baseAddress, buffer.bytes.count, &number, waits ? 1 : 0)
    let file: FileDescriptor? = number >= 0 ? FileDescriptor(owning: number) : nil
    if count < 0 {
      switch errno {
      case EAGAIN, EWOULDBLOCK: return .nothing
      case EMSGSIZE: throw MalformedFrame("a message is too long, or has too many files")
      default: return .end
      }
    }
    if count == 0 { return .end }
    let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
    if bytes[0] == UInt8(PLUGIN_CRASH_MESSAGE) { return .crash(try CrashRecord(bytes)) }
    guard let kind = Outbox.Kind(rawValue: bytes[0]) else {
      throw MalformedFrame("there is no message \(bytes[0])")
    }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[1...])
    switch kind {
    case .file: throw MalformedFrame("a file comes that nobody waits for")
    case .frames: try readFrames(rest, read)
    case .shared: try Self.readShared(rest, file, read)
    case .lent: try readLent(rest, file, read)
    }
    return .frames
  }

  /// Waits for a message that hands a file over.
  ///
  /// - Returns: The number of an open descriptor, which is the caller's; nil when the other side is gone.
  /// - Throws: `MalformedFrame` when something else comes.
  package func receiveFile(into buffer: borrowing Buffer) throws(MalformedFrame) -> CInt? {
    var number: CInt = -1
    let count = plugin_receive(
      socket.number, buffer.bytes.baseAddress, buffer.bytes.count, &number, 1)
    if count <= 0 { return nil }
    guard count == 1, buffer.bytes[0] == Outbox.Kind.file.rawValue, number >= 0 else {
      if number >= 0 { Glibc.close(number) }
      throw MalformedFrame("a file was to come, and something else has")
    }
    return number
  }

  private func readFrames(
    _ bytes: UnsafeRawBufferPointer, _ read: (inout FrameReader) throws -> Void
  ) throws {
    var frames = FrameReader(bytes)
    while !frames.isAtEnd {
      var frame = try frames.frame()
      if frame.skip(LentMemory.kind) {
        try memory.readNews(&frame)
      } else {
        try read(&frame)
      }
      try frame.end()
    }
  }

  private static func readShared(
    _ bytes: UnsafeRawBufferPointer, _ file: consuming FileDescriptor?,
    _ read: (inout FrameReader) throws -> Void
  ) throws {
    var header = FrameReader(bytes)
    let length = try header.number(UInt64.self)
    let start = try header.number(UInt64.self)
    try header.end()
    guard let file else { throw MalformedFrame("a message has no memory with it") }
    try Self.read(try SharedMemory(mapping: file), length, start, read)
  }

  private func readLent(
    _ bytes: UnsafeRawBufferPointer, _ file: consuming FileDescriptor?,
    _ read: (inout FrameReader) throws -> Void
  ) throws {
    var header = FrameReader(bytes)
    let number = try header.number(UInt64.self)
    let size = try header.number(UInt64.self)
    let length = try header.number(UInt64.self)
    let start = try header.number(UInt64.self)
    try header.end()
    try Self.read(try memory.borrow(number, size, file), length, start, read)
  }

  private static func read(
    _ memory: SharedMemory, _ length: UInt64, _ start: UInt64,
    _ read: (inout FrameReader) throws -> Void
  ) throws {
    guard length <= start, start <= UInt64(memory.bytes.count) else {
      throw MalformedFrame("a frame of \(length) bytes passes the end of its memory")
    }
    var frame = FrameReader(
      UnsafeRawBufferPointer(rebasing: memory.bytes[..<Int(length)]), blobs: memory,
      blobStart: Int(start))
    try read(&frame)
    try frame.end()
  }

  /// Ends the connection for both sides; threads that wait for a message hear of it.
  package func close() { shutdown(socket.number, CInt(SHUT_RDWR)) }
}
