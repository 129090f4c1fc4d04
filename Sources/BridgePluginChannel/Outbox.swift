internal import BridgeTools
internal import CPluginProcess
internal import DequeModule
internal import Glibc

/// Frames that wait to be sent on a channel, in order: as many in a message as there is room for.
///
/// A frame that is long, or has something beside it, is put into shared memory, which goes with a short
/// message in its place. Not thread-safe.
package struct Outbox: ~Copyable {
  /// What a message begins with.
  enum Kind: UInt8 {
    /// Frames, each with its length of 4 bytes before it.
    case frames = 1
    /// The sizes of a frame in the memory that goes with the message.
    case shared = 2
    /// Nothing but a file.
    case file = 3
    /// Which memory that was lent a frame is in, and its sizes there.
    case lent = 4
  }

  /// The message that frames are added to.
  let unsent = UnsafeMutablePointer<plugin_outgoing>.allocate(capacity: 1)
  /// Messages that are full, and go before it.
  private var full: Deque<Message> = []
  /// How many bytes these are, without what goes with them.
  private var fullCount = 0

  /// An outbox that nothing is in.
  package init() {
    unsent.pointee.count = 0
  }

  deinit { unsent.deallocate() }

  /// Whether nothing waits.
  package var isEmpty: Bool { unsent.pointee.count == 0 && full.isEmpty }

  /// How many bytes of frames wait, without those in shared memory.
  package var count: Int { unsent.pointee.count + fullCount }

  /// Adds a frame.
  ///
  /// - Parameter memory: Of the channel that it is going to be sent on; nil has large frames take new memory.
  /// - Returns: false with `errno` where there is no memory to put it into.
  package mutating func append(_ frame: FrameWriter, lending memory: LentMemory? = nil) -> Bool {
    if frame.blobs.isEmpty {
      if add(frame.bytes) { return true }
      if frame.bytes.count < Self.longFrame {
        close()
        return add(frame.bytes)
      }
    }
    if let memory, let message = Message(lending: frame, memory) {
      // What was dropped to make room for it is told first.
      addNews(of: memory)
      close()
      add(message)
      return true
    }
    guard let message = Message(sharing: frame) else { return false }
    close()
    add(message)
    return true
  }

  /// Adds a file that is handed over.
  ///
  /// - Parameter descriptor: Of the file; the message has one of its own.
  /// - Returns: false with `errno` where the system has no more descriptors.
  package mutating func append(file descriptor: CInt) -> Bool {
    guard let message = Message(file: descriptor) else { return false }
    close()
    add(message)
    return true
  }

  /// A frame from this size on never goes into a message with others.
  private static let longFrame = Int(PLUGIN_MESSAGE_LIMIT) - 16

  private mutating func add(_ frame: [UInt8]) -> Bool {
    plugin_add_frame(unsent, frame, frame.count) != 0
  }

  private mutating func addNews(of memory: LentMemory) {
    guard let news = memory.takeNews(), !add(news.bytes) else { return }
    close()
    _ = add(news.bytes)
  }

  /// What was put together is a message now.
  private mutating func close() {
    guard unsent.pointee.count > 0 else { return }
    add(Message(Array(unsentBytes)))
    unsent.pointee.count = 0
  }

  private mutating func add(_ message: Message) {
    full.append(message)
    fullCount += message.bytes.count
  }

  private var unsentBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: UnsafeRawPointer(unsent) + plugin_outgoing_bytes, count: unsent.pointee.count)
  }

  /// Sends what waits, as far as the other side takes it.
  ///
  /// - Parameter waits: Whether the thread waits for the other side to take it.
  package mutating func send(on channel: Channel, waits: Bool) -> Channel.Sent {
    addNews(of: channel.memory)
    while let message = full.first {
      let sent = message.bytes.withUnsafeBytes {
        channel.send($0, file: message.file, waits: waits)
      }
      guard sent == .sent else { return sent }
      full.removeFirst()
      fullCount -= message.bytes.count
    }
    guard unsent.pointee.count > 0 else { return .sent }
    let sent = channel.send(unsentBytes, waits: waits)
    if sent == .sent { unsent.pointee.count = 0 }
    return sent
  }

  /// Drops everything.
  package mutating func removeAll() {
    (full, fullCount) = ([], 0)
    unsent.pointee.count = 0
  }

  /// A message that is complete.
  private final class Message: Sendable {
    let bytes: [UInt8]
    /// What goes with it; -1 where nothing does.
    let file: CInt
    /// Whether the file is this message's.
    private let ownsFile: Bool

    init(_ frames: [UInt8]) {
      bytes = frames
      file = -1
      ownsFile = false
    }

    /// - Returns: nil where it takes memory of its own.
    init?(lending frame: FrameWriter, _ memory: LentMemory) {
      let start = Self.blobStart(frame)
      let size = start + frame.blobSize
      guard let loan = memory.lend(size) else { return nil }
      frame.bytes.withUnsafeBytes { loan.write($0, at: 0) }
      for (offset, blob) in frame.blobs {
        blob.withUnsafeBytes { loan.write($0, at: start + offset) }
      }
      file = loan.file
      ownsFile = false
      var header = FrameWriter()
      header.write(Kind.lent.rawValue)
      header.write(loan.number)
      header.write(UInt64(size))
      header.write(UInt64(frame.bytes.count))
      header.write(UInt64(start))
      bytes = header.bytes
    }

    private static func blobStart(_ frame: FrameWriter) -> Int {
      (frame.bytes.count + FrameWriter.alignment - 1) / FrameWriter.alignment
        * FrameWriter.alignment
    }

    /// - Returns: nil with `errno` where there is no memory to put it into.
    init?(sharing frame: FrameWriter) {
      let start = Self.blobStart(frame)
      let parts =
        [(offset: 0, blob: Blob(frame.bytes))]
        + frame.blobs.map { (offset: start + $0.offset, blob: $0.blob) }
      file = SharedMemory.fill(start + frame.blobSize, parts)
      ownsFile = true
      if file < 0 { return nil }
      var header = FrameWriter()
      header.write(Kind.shared.rawValue)
      header.write(UInt64(frame.bytes.count))
      header.write(UInt64(start))
      bytes = header.bytes
    }

    /// - Returns: nil with `errno` where the system has no more descriptors.
    init?(file descriptor: CInt) {
      bytes = [Kind.file.rawValue]
      file = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      ownsFile = true
      if file < 0 { return nil }
    }

    deinit { if ownsFile && file >= 0 { Glibc.close(file) } }
  }
}
