import BinaryFormatsFuzzing
import BridgeSessions
import Foundation
import RandomSessions
import Testing

@testable import BridgeStorage

/// Sessions as SQLite keeps them.
@Suite struct ImageTests {
  @Test func anySessionComesBack() throws {
    let directory = NSTemporaryDirectory() + "bridge-images-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let backend = try SQLiteBackend(directory: directory, historyVersions: 100)
    var random = RandomBits(seed: 1)
    let images = (0..<200).map { SessionImage.random(id: "s\($0)" + random.text(), using: &random) }
    try backend.write(
      images.enumerated().map { JournalRecord(.began($1), key: Int64($0 + 1)) })
    var position = 0
    try backend.readAll { read, key in
      #expect(key == Int64(position + 1))
      #expect(read.facts == images[position].facts)
      #expect(read.epoch == images[position].epoch)
      position += 1
    }
    #expect(position == images.count)
  }
}
