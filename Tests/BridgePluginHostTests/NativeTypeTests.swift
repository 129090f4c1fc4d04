import BridgeSessions
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
    #expect(try #require(NativeType(name)).range == least...most)
    #expect(NativeType(name)?.toolType == .integer)
  }

  @Test func otherTypesHaveNone() {
    for name in ["int64", "double", "float", "bool", "string", "void", "double[]"] {
      #expect(NativeType(name) != nil && NativeType(name)?.range == nil, "\(name)")
    }
    for name in ["", "quad", "int", "void[]", "string[]", "float64", "bool_t"] {
      #expect(NativeType(name) == nil, "\(name)")
    }
  }

  @Test(
    arguments: [
      ("void", nil), ("bool", .boolean), ("float", .float), ("double", .float), ("string", .string),
      ("int64", .integer), ("float[]", .embedding), ("uint8[]", .embedding),
    ] as [(String, ValueType?)])
  func typesOfToolsAreTheNearest(name: String, type: ValueType?) {
    #expect(NativeType(name)?.toolType == type)
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
