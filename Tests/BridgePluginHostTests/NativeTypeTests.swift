import BridgeSessions
import BridgeTools
import JSON
import Testing

@testable import BridgePluginHost

@Suite struct NativeTypeTests {
  @Test(
    arguments: [
      ("int8", -128, 127), ("uint8", 0, 255), ("int16", -32_768, 32_767),
      ("uint16", 0, 65_535), ("int32", -2_147_483_648, 2_147_483_647),
      ("uint32", 0, 4_294_967_295), ("uint64", 0, .max), ("size_t", 0, .max),
    ] as [(String, Int64, Int64)])
  func wholeNumbersHaveTheRangeOfTheirType(name: String, least: Int64, most: Int64) throws {
    #expect(try #require(NativeScalar(name)).range == least...most)
    #expect(try type(name)?.toolType() == .value(.integer))
  }

  /// A type of a manifest that declares nothing.
  private func type(_ name: String) throws -> NativeType? {
    NativeType(name, try NativeDeclarations(.object([])))
  }

  @Test func otherTypesHaveNone() throws {
    for name in ["int64", "double", "float", "bool"] {
      #expect(try #require(NativeScalar(name)).range == nil, "\(name)")
    }
    for name in [
      "", "quad", "int", "void[]", "string[]", "float64", "bool_t", "struct point", "struct ",
      "handle db",
      "callback order", "double []", "struct", "double[4]",
    ] {
      #expect(try type(name) == nil, "\(name)")
    }
  }

  @Test(
    arguments: [
      ("void", nil), ("bool", .value(.boolean)), ("float", .value(.float)),
      ("double", .value(.float)),
      ("string", .value(.string)), ("int64", .value(.integer)), ("float[]", .value(.embedding)),
      ("uint8[]", .value(.embedding)), ("bytes", .bytes),
    ] as [(String, ToolType?)])
  func typesOfToolsAreTheNearest(name: String, expected: ToolType?) throws {
    #expect(try #require(try type(name)).toolType() == expected)
  }

  @Test func codeIsToldFromWhatIsNone() {
    let function = unsafeBitCast(
      { (_: UnsafeMutableRawPointer?) in } as @convention(c) (UnsafeMutableRawPointer?) -> Void,
      to: UnsafeMutableRawPointer.self)
    #expect(MemoryMap.isExecutable(function))
    let heap = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
    defer { heap.deallocate() }
    #expect(!MemoryMap.isExecutable(heap))
    #expect(!MemoryMap.isExecutable(UnsafeMutableRawPointer(bitPattern: 8)!))
  }
}
