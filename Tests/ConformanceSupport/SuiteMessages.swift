package import SwiftProtobuf
internal import Glibc

/// Messages that Connect's conformance suite and a program it tests exchange: on standard input and
/// output, each behind its length in four bytes, in network order.
package enum SuiteMessages {
  /// Blocks until a whole message is there.
  ///
  /// - Returns: nil at the end of standard input.
  package static func read<Received: Message>(_ type: Received.Type) throws -> Received? {
    guard let prefix = readBytes(4),
      let bytes = readBytes(prefix.reduce(0) { $0 << 8 | Int($1) })
    else { return nil }
    return try Received(serializedBytes: bytes)
  }

  /// Blocks until the suite has taken it. Two threads must not write at once.
  package static func write(_ message: some Message) throws {
    let content: [UInt8] = try message.serializedBytes()
    var rest = withUnsafeBytes(of: UInt32(content.count).bigEndian) { Array($0) } + content
    while !rest.isEmpty {
      let count = Glibc.write(STDOUT_FILENO, rest, rest.count)
      precondition(count > 0, "standard output cannot be written")
      rest.removeFirst(count)
    }
  }

  private static func readBytes(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var position = 0
    while position < count {
      let read = bytes.withUnsafeMutableBytes {
        Glibc.read(STDIN_FILENO, $0.baseAddress! + position, count - position)
      }
      if read <= 0 { return nil }
      position += read
    }
    return bytes
  }
}
