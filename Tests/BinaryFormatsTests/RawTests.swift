import BinaryFormats
import Testing

@Suite struct RawTests {
  private func read(_ dtype: String, _ bytes: [UInt8]) throws -> BinaryArray {
    try BinaryFormat.raw.read(bytes, ArrayDescription(dataType: DataType(dtype)!))
  }

  @Test func byteOrdersAreSwapped() throws {
    #expect(try read("<f4", [0, 0, 0xC0, 0x3F]).numbers == [1.5])
    #expect(try read(">f4", [0x3F, 0xC0, 0, 0]).numbers == [1.5])
    #expect(try read(">f8", [0x3F, 0xF8, 0, 0, 0, 0, 0, 0]).numbers == [1.5])
    #expect(try read(">i2", [0xFF, 0xFE, 1, 0]).numbers == [-2, 256])
    #expect(try read("|u1", [200]).numbers == [200])
    #expect(try read(">u4", [0, 0, 0, 1]).bytes == [1, 0, 0, 0])
  }

  @Test func halfPrecisionIsWidened() throws {
    #expect(try read("float16", [0x00, 0x3E, 0x00, 0x7C]).numbers == [1.5, .infinity])
    #expect(try read(">f2", [0x3E, 0x00]).numbers == [1.5])
    let brain = try read("bfloat16", [0xC0, 0x3F])
    #expect(brain.numbers == [1.5])
    #expect(brain.elementType == .float32)
  }

  @Test func booleansBecome0Or1() throws {
    #expect(try read("bool", [0, 1, 2, 255]).bytes == [0, 1, 1, 1])
  }

  @Test func unknownTypes() {
    for name in ["", "f4", "<f3", "complex128", "|O", "<c8", "<f4 ", "!f4"] {
      #expect(DataType(name) == nil)
    }
    expectRefused(.raw, [1, 2], "dtype", code: .mismatch)
    expectRefused(.raw, [1, 2, 3], "3", description: described(.float32), code: .mismatch)
  }
}
