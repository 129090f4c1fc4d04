internal import CPluginProcess
internal import Glibc
package import TrustedFiles

/// The connection of a host and its runner, the program that makes the children.
///
/// Thread-safe.
package final class RunnerControl: Sendable {
  /// The descriptor that a runner finds its end at.
  package static let descriptor: CInt = 3

  /// What a host asks of its runner.
  package enum Request: Sendable, Equatable {
    /// What the host is; the first message. A runner that is another build ends.
    case identity(RunnerIdentity)
    /// Make a child, whose end of its channel goes with the message.
    case start(child: UInt64, ResourceLimits)
    /// End a child and all that it has started, at once.
    case kill(child: UInt64)
  }

  /// What a runner tells its host.
  package enum Event: Sendable, Equatable {
    /// What the runner is; the first message.
    case identity(RunnerIdentity)
    case started(child: UInt64, process: Int32)
    /// The system has no more processes, or why else.
    case failed(child: UInt64, reason: String)
    /// The system has ended processes of a child, which is about to end: its group had no memory left.
    case exhausted(child: UInt64)
    /// A child has ended, with its status as of wait(2).
    case ended(child: UInt64, status: Int32)
  }

  private let socket: FileDescriptor
  private static let limit = 4096

  /// Takes a connected SOCK_SEQPACKET socket over.
  package init(_ socket: consuming FileDescriptor) { self.socket = socket }

  /// The number of the socket, to wait for messages.
  package var number: CInt { socket.number }

  /// - Parameter file: Goes with the message; the caller keeps it.
  /// - Returns: false when there is no other side.
  @discardableResult
  package func send(_ request: Request, file: CInt = -1) -> Bool {
    var writer = FrameWriter()
    switch request {
    case .identity(let identity): writer.write(identity)
    case .start(let child, let limits):
      writer.write(UInt8(1))
      writer.write(child)
      writer.write(list: limits.entries) { writer, entry in
        writer.write(entry.resource)
        writer.write(entry.limit)
      }
      writer.write(limits.groups)
      writer.write(limits.profile.rawValue)
    case .kill(let child):
      writer.write(UInt8(2))
      writer.write(child)
    }
    return send(writer, file)
  }

  /// - Returns: false when there is no other side.
  @discardableResult
  package func send(_ event: Event) -> Bool {
    var writer = FrameWriter()
    switch event {
    case .identity(let identity): writer.write(identity)
    case .started(let child, let process):
      writer.write(UInt8(1))
      writer.write(child)
      writer.write(process)
    case .failed(let child, let reason):
      writer.write(UInt8(2))
      writer.write(child)
      writer.write(reason)
    case .ended(let child, let status):
      writer.write(UInt8(3))
      writer.write(child)
      writer.write(status)
    case .exhausted(let child):
      writer.write(UInt8(4))
      writer.write(child)
    }
    return send(writer, -1)
  }

  private func send(_ writer: FrameWriter, _ file: CInt) -> Bool {
    send(raw: writer.bytes, file: file)
  }

  /// Sends one message as it is.
  func send(raw bytes: [UInt8], file: CInt) -> Bool {
    plugin_send(socket.number, bytes, bytes.count, file, 1) >= 0
  }

  /// Waits for a request.
  ///
  /// - Returns: nil when the host has gone.
  package func receiveRequest() throws -> (request: Request, file: CInt)? {
    try receive { reader in
      switch try reader.number(UInt8.self) {
      case RunnerIdentity.kind: .identity(try reader.identity())
      case 1:
        .start(
          child: try reader.number(),
          ResourceLimits(
            try reader.list { (try $0.number(), try $0.number()) }, groups: try reader.text(),
            ProcessProfile(rawValue: try reader.number())))
      case 2: .kill(child: try reader.number())
      case let other: throw MalformedFrame("there is no request \(other)")
      }
    }
  }

  /// Waits for an event.
  ///
  /// - Returns: nil when the runner has gone.
  package func receiveEvent() throws -> Event? {
    let received: (Event, CInt)? = try receive { reader in
      switch try reader.number(UInt8.self) {
      case RunnerIdentity.kind: .identity(try reader.identity())
      case 1: .started(child: try reader.number(), process: try reader.number())
      case 2: .failed(child: try reader.number(), reason: try reader.text())
      case 3: .ended(child: try reader.number(), status: try reader.number())
      case 4: .exhausted(child: try reader.number())
      case let other: throw MalformedFrame("there is no event \(other)")
      }
    }
    guard let (event, file) = received else { return nil }
    if file >= 0 { Glibc.close(file) }
    return event
  }

  private func receive<Message>(
    _ read: (inout FrameReader) throws -> Message
  ) throws -> (Message, CInt)? {
    var bytes = [UInt8](repeating: 0, count: Self.limit)
    var file: CInt = -1
    let count = plugin_receive(socket.number, &bytes, bytes.count, &file, 1)
    guard count > 0 else { return nil }
    do {
      return try bytes[..<count].withUnsafeBytes { bytes in
        var reader = FrameReader(bytes)
        let message = try read(&reader)
        try reader.end()
        return (message, file)
      }
    } catch {
      if file >= 0 { Glibc.close(file) }
      throw error
    }
  }

  /// Ends the connection for both sides.
  package func close() { shutdown(socket.number, CInt(SHUT_RDWR)) }
}
