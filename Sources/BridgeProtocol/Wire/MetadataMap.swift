package import BridgeSessions

extension VariableMetadata {
  /// Reads a `map<string, string>` field of a message, each entry as it came: a dictionary would lose one
  /// of two keys that Unicode takes for equal.
  ///
  /// - Parameter bytes: A message that has been decoded without an error.
  package init(of bytes: [UInt8], field: Int) {
    var entries: [Entry] = []
    bytes.withUnsafeBytes { bytes in
      do {
        var reader = WireReader(bytes)
        while try reader.next() {
          if reader.field == field {
            entries.append(try reader.mapEntry())
          } else {
            try reader.skip()
          }
        }
      } catch {
        // Cannot happen to a message that was decoded.
      }
    }
    self.init(lastOf: entries)
  }

  /// The bytes of a `map<string, string>` field, to be put behind those of a message: messages one after
  /// the other are one message.
  package func bytes(field: Int) -> [UInt8] {
    var writer = WireWriter(reservingCapacity: 64 * entries.count)
    writer.write(self, field: field)
    return writer.bytes
  }
}

/// Messages that are put together from encoded ones.
package enum EncodedMessages {
  /// A repeated field of messages, to be put behind the bytes of the message that has it.
  package static func repeated(_ messages: [[UInt8]], field: Int) -> [UInt8] {
    var writer = WireWriter(reservingCapacity: messages.reduce(0) { $0 + $1.count + 8 })
    for message in messages { writer.writeMessage(message, field: field) }
    return writer.bytes
  }
}

/// Keys of a map, each once by its bytes.
package struct MapWriter {
  private var writer: WireWriter
  private let field: Int
  private var written: Set<[UInt8]> = []

  /// Begins a `map<string, …>` field of messages, to be put behind the bytes of the message that has it.
  package init(field: Int, reservingCapacity capacity: Int) {
    writer = WireWriter(reservingCapacity: capacity)
    self.field = field
  }

  /// The field so far.
  package var bytes: [UInt8] { writer.bytes }

  /// Adds an entry, if its key is new.
  package mutating func write(_ key: String, _ message: [UInt8]) {
    guard written.insert(Array(key.utf8)).inserted else { return }
    writer.writeMessage(field: field) { entry in
      entry.write(key, field: 1)
      entry.writeMessage(message, field: 2)
    }
  }
}

/// Looks at a message before generated code decodes it.
package enum MessageGuard {
  /// Checks every text that may be the key of a map: generated code puts these into dictionaries, which
  /// takes the square of the length of some.
  ///
  /// - Throws: `SessionError` with code `invalidArgument`.
  package static func checkKeys(of bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      // What is no message is the decoder's to refuse.
      while (try? reader.next()) == true {
        guard reader.wireType == .lengthDelimited, let view = try? reader.view() else {
          do { try reader.skip() } catch { return }
          continue
        }
        var entry = WireReader(view)
        while (try? entry.next()) == true {
          if entry.wireType == .lengthDelimited, let key = try? entry.view() {
            if entry.field == 1 { try NameRules.checkKey(key) }
          } else {
            do { try entry.skip() } catch { break }
          }
        }
      }
    }
  }
}
