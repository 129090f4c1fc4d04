import SwiftProtobuf
import Testing

@testable import GRPCServices

struct DescriptorIndexTests {
  /// `top` imports `left` and `right`, which both import `base`.
  private static let index: DescriptorIndex = {
    func file(
      _ name: String, imports: [String] = [],
      _ fill: (inout Google_Protobuf_FileDescriptorProto) -> Void = { _ in }
    ) -> Google_Protobuf_FileDescriptorProto {
      .with {
        $0.name = name
        $0.package = "p"
        $0.dependency = imports
        fill(&$0)
      }
    }
    let top = file("top", imports: ["left", "right"]) {
      $0.service = [
        .with {
          $0.name = "S"; $0.method = [.with { $0.name = "M" }]
        }
      ]
    }
    let left = file("left", imports: ["base"]) {
      $0.extension = [
        .with {
          $0.name = "far"; $0.extendee = ".p.Base"; $0.number = 200
        },
        .with {
          $0.name = "near"; $0.extendee = ".p.Base"; $0.number = 100
        },
      ]
    }
    let base = file("base") {
      $0.messageType = [
        .with {
          $0.name = "Base"
          $0.field = [.with { $0.name = "field" }]
          $0.oneofDecl = [.with { $0.name = "choice" }]
          $0.nestedType = [.with { $0.name = "Inner" }]
          $0.enumType = [
            .with {
              $0.name = "E"; $0.value = [.with { $0.name = "ONE" }]
            }
          ]
        }
      ]
    }
    let sets = [[top, left], [file("right", imports: ["base"]), base]].map { files in
      try! Google_Protobuf_FileDescriptorSet.with { $0.file = files }.serializedBytes() as [UInt8]
    }
    return try! DescriptorIndex(sets: sets)
  }()

  @Test(arguments: [
    ("p.S", "top"), ("p.S.M", "top"), ("p.far", "left"), ("p.Base", "base"),
    ("p.Base.field", "base"), ("p.Base.choice", "base"), ("p.Base.Inner", "base"),
    ("p.Base.E", "base"), ("p.Base.ONE", "base"),
  ])
  func findsWhatAFileDeclares(symbol: String, file: String) {
    #expect(Self.index.file(declaring: symbol) == file)
  }

  @Test(arguments: ["", "p", "S", ".p.S", "p.Base.E.ONE", "p.S.N", "top"])
  func doesNotFindWhatNoFileDeclares(symbol: String) {
    #expect(Self.index.file(declaring: symbol) == nil)
  }

  @Test func findsExtensions() {
    #expect(Self.index.file(extending: "p.Base", number: 100) == "left")
    #expect(Self.index.file(extending: "p.Base", number: 101) == nil)
    #expect(Self.index.file(extending: "p.Nothing", number: 100) == nil)
    #expect(Self.index.extensionNumbers(of: "p.Base") == [100, 200])
    #expect(Self.index.extensionNumbers(of: "p.Base.Inner") == [])
    #expect(Self.index.extensionNumbers(of: "p.Nothing") == nil)
  }

  @Test func aFileComesBeforeWhatItImportsAndEachOnce() throws {
    let files = try #require(Self.index.closure(of: "top")).map {
      try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name
    }
    #expect(files.first == "top")
    #expect(files.last == "base")
    #expect(files.sorted() == ["base", "left", "right", "top"])
    #expect(Self.index.closure(of: "base")?.count == 1)
    #expect(Self.index.closure(of: "nothing") == nil)
  }

  @Test func refusesWhatIsNoDescriptorSet() {
    #expect(throws: (any Error).self) { try DescriptorIndex(sets: [[0x0A, 0x7F, 0x00]]) }
  }
}
