import BinaryFormatsFuzzing
import BridgeSessions
import Foundation
import RandomSessions
import Testing

@testable import BridgeStorage

/// Sessions as SQLite keeps them.
@Suite struct ImageTests {
  @Test func anySessionComesBack() throws {
    let path = NSTemporaryDirectory() + "bridge-images-\(UUID().uuidString).sqlite"
    defer {
      for suffix in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: path + suffix)
      }
    }
    let database = try SessionDatabase(path: path, historyVersions: 100)
    var random = RandomBits(seed: 1)
    let images = (0..<200).map { SessionImage.random(id: "s\($0)" + random.text(), using: &random) }
    try database.transaction {
      for (index, image) in images.enumerated() { try database.add(image, key: Int64(index + 1)) }
    }
    var position = 0
    try database.forEachSession { read, key in
      #expect(key == Int64(position + 1))
      #expect(read.facts == images[position].facts)
      #expect(read.epoch == images[position].epoch)
      position += 1
    }
    #expect(position == images.count)
  }
}
