/// Which build one of the two programs is: they are installed together and take no other build.
///
/// The message that tells it is the first one in both directions, and never changes.
package struct RunnerIdentity: Sendable, Equatable, CustomStringConvertible {
  /// What the messages of a host, its runner and its children are. Any change of them, or of what they mean,
  /// counts the number up.
  package static let messages = "messages of plugin processes, revision 2"

  /// Of the program.
  package let version: String
  /// `messages` of the program.
  package let messages: String

  /// The program that asks.
  package init(version: String) { self.init(version: version, messages: Self.messages) }

  init(version: String, messages: String) {
    self.version = version
    self.messages = messages
  }

  /// For errors.
  package var description: String { "version \(version) with \(messages)" }

  /// What the message begins with.
  static let kind: UInt8 = 0
}

extension FrameWriter {
  mutating func write(_ identity: RunnerIdentity) {
    write(RunnerIdentity.kind)
    write(identity.version)
    write(identity.messages)
  }
}

extension FrameReader {
  mutating func identity() throws -> RunnerIdentity {
    RunnerIdentity(version: try text(), messages: try text())
  }
}
