import BinaryFormatsFuzzing
import BridgeSessions
import JSON
import RandomSessions
import Testing

@testable import BridgeService

/// Sessions as ExportSession writes and ImportSession reads them.
@Suite struct SessionDocumentTests {
  @Test func anySessionComesBack() throws {
    var random = RandomBits(seed: 1)
    for number in 0..<300 {
      let image = SessionImage.random(id: "s\(number)" + random.text(), using: &random)
      let text = SessionDocumentWriter(image).flatMap { $0 }
      // It is JSON as a whole, however it was put together.
      _ = try JSON(parsing: text)
      var reader = SessionDocumentReader(limit: text.count)
      var rest = text[...]
      while !rest.isEmpty {
        let piece = rest.prefix(1 + random.below(50))
        rest = rest.dropFirst(piece.count)
        try reader.add(piece)
        #expect(reader.heldBytes <= text.count)
      }
      let read = try reader.finish()
      #expect(read.facts == image.facts)
      // It is the beginning of another life.
      #expect(read.epoch != image.epoch)
    }
  }

  /// Spoiled texts are refused with an error, or make a session that can be written again.
  @Test func spoiledTextsAreRefusedOrRead() throws {
    var random = RandomBits(seed: 2)
    var taken = 0
    for number in 0..<2000 {
      let image = SessionImage.random(id: "s\(number)", using: &random)
      var text = SessionDocumentWriter(image).flatMap { $0 }
      for _ in 0...random.below(3) {
        let place = random.below(text.count)
        switch random.below(4) {
        case 0: text[place] = UInt8.random(in: 0x20..<0x7F, using: &random)
        case 1: text.remove(at: place)
        case 2:
          text.insert(
            contentsOf: "0123456789-e\"".utf8.shuffled(using: &random).prefix(2), at: place)
        default: text.removeSubrange(place..<min(text.count, place + random.below(30)))
        }
      }
      let read: SessionImage
      do {
        read = try SessionDocument.decode(text)
      } catch let error as SessionError {
        #expect(!error.message.isEmpty)
        continue
      }
      taken += 1
      let again = SessionDocumentWriter(read).flatMap { $0 }
      #expect(try SessionDocument.decode(again).facts == read.facts)
    }
    #expect(taken > 20)
  }
}
