import BinaryFormats
import Testing

@Suite struct PickleTests {
  private func read(_ bytes: [UInt8]) throws -> BinaryArray { try BinaryFormat.pickle.read(bytes) }

  /// pickle.dumps([1.5, -2, 300], protocol) of Python 3.11, protocols 0 to 5.
  @Test func picklesOfPython() throws {
    for pickle: [UInt8] in [
      Array("(lp0\nF1.5\naI-2\naI300\na.".utf8),
      [93, 113, 0, 40, 71, 63, 248, 0, 0, 0, 0, 0, 0, 74, 254, 255, 255, 255, 77, 44, 1, 101, 46],
      [128, 2, 93, 113, 0, 40, 71, 63, 248, 0, 0, 0, 0, 0, 0, 74, 254, 255, 255, 255, 77, 44, 1]
        + [101, 46],
      [128, 4, 149, 21, 0, 0, 0, 0, 0, 0, 0, 93, 148, 40, 71, 63, 248, 0, 0, 0, 0, 0, 0, 74, 254]
        + [255, 255, 255, 77, 44, 1, 101, 46],
    ] {
      #expect(try read(pickle).numbers == [1.5, -2, 300])
      for count in 0..<pickle.count { expectRefused(.pickle, Array(pickle.prefix(count))) }
    }
  }

  @Test func integersOfAllLengths() throws {
    #expect(try read([0x8A, 0, 0x2E]).numbers == [0])
    #expect(try read([0x8A, 2, 0, 0x80, 0x2E]).numbers == [-32768])
    #expect(
      try read([0x8A, 9] + Array(repeating: 255, count: 8) + [0, 0x2E]).elementType == .uint64)
    #expect(
      try read([0x8A, 8] + Array(repeating: 0, count: 7) + [0x80, 0x2E]).numbers == [-0x1p63])
    #expect(try read([0x8B, 1, 0, 0, 0, 255, 0x2E]).numbers == [-1])
    #expect(try read(Array("L-5L\n.".utf8)).numbers == [-5])
    #expect(try read(Array("L18446744073709551615L\n.".utf8)).elementType == .uint64)
    #expect(try read(Array("I01\n.".utf8)).elementType == .bool)
    expectRefused(.pickle, [0x8A, 9] + Array(repeating: 0, count: 8) + [1, 0x2E], "64 bits")
    expectRefused(.pickle, [0x8A, 9] + Array(repeating: 0, count: 8) + [255, 0x2E], "64 bits")
    expectRefused(.pickle, [0x8B, 255, 255, 255, 255, 0x2E], "-1")
    expectRefused(.pickle, [0x8B, 255, 255, 255, 127, 0x2E], "2147483647")
    expectRefused(.pickle, Array("I1x\n.".utf8), "1x")
    expectRefused(.pickle, Array(repeating: 0x49, count: 1000), "line")
  }

  @Test func tuplesAreLists() throws {
    #expect(try read([0x4B, 1, 0x4B, 2, 0x86, 0x2E]).numbers == [1, 2])
    #expect(try read([0x28, 0x4B, 1, 0x4B, 2, 0x4B, 3, 0x4B, 4, 0x74, 0x2E]).shape == [4])
    #expect(try read([0x29, 0x2E]).shape == [0])
    #expect(try read([0x4B, 7, 0x2E]).shape == [])
  }

  @Test func sharedListsAreRead() throws {
    // row = [1, 2]; [row, row]
    let shared: [UInt8] = [
      0x5D, 0x5D, 0x94, 0x28, 0x4B, 1, 0x4B, 2, 0x65, 0x61, 0x68, 0, 0x61, 0x2E,
    ]
    let array = try read(shared)
    #expect(array.shape == [2, 2])
    #expect(array.numbers == [1, 2, 1, 2])
  }

  /// Every opcode that could do something is refused by its name, wherever it is.
  @Test(arguments: [
    (0x50, "PERSID"), (0x51, "BINPERSID"), (0x52, "REDUCE"), (0x62, "BUILD"), (0x63, "GLOBAL"),
    (0x69, "INST"), (0x6F, "OBJ"), (0x81, "NEWOBJ"), (0x82, "EXT1"), (0x83, "EXT2"),
    (0x84, "EXT4"), (0x92, "NEWOBJ_EX"), (0x93, "STACK_GLOBAL"), (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
  ])
  func dangerousOpcodes(opcode: UInt8, name: String) {
    expectRefused(
      .pickle, [0x80, 4, 0x5D, opcode] + Array("os\nsystem\n.".utf8), "byte 3", "opcode \(name) ",
      "not executed")
  }

  @Test func onlyKnownOpcodesAreRead() throws {
    // Each of the 256 opcodes alone: those that are read are these.
    let known = Set("(.012FGIJKLM)]aeghjlpqrt".utf8).union([
      0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x94, 0x95,
    ])
    for opcode in UInt8.min ... .max {
      let error = #expect(throws: BinaryFormatError.self) { try read([opcode]) }
      #expect(error?.message.contains("opcode") == !known.contains(opcode), "\(opcode)")
    }
  }

  @Test func theStackIsChecked() {
    for (bytes, word) in [
      ([0x2E], "0 items"), ([0x4B, 1, 0x4B, 2, 0x2E], "2 items"), ([0x28, 0x2E], "mark"),
      ([0x4B, 1, 0x61, 0x2E], "stack"), ([0x29, 0x4B, 1, 0x61, 0x2E], "appended"),
      ([0x65, 0x2E], "no mark"), ([0x28, 0x94, 0x2E], "mark"), ([0x85, 0x2E], "fewer"),
      ([0x68, 0, 0x2E], "memo"), ([0x6A, 1, 0, 0, 0, 0x2E], "memo"), ([0x32, 0x2E], "empty"),
      ([0x4B, 1, 0x2E, 0x2E], "follow"), ([0x80, 6, 0x2E], "protocol 6"),
      ([0x95, 255, 255, 255, 255, 255, 255, 255, 255, 0x2E], "frame"),
      ([0x28, 0x4B, 1, 0x85, 0x86, 0x2E], "fewer"), ([0x4E, 0x2E], "NONE"),
    ] as [([UInt8], String)] {
      expectRefused(.pickle, bytes, word)
    }
  }

  /// Were popping an item as slow as the stack is long, this would take hours.
  @Test func aDeepStackIsTakenApart() {
    let count = 500_000
    expectRefused(
      .pickle,
      Array(repeating: 0x5D, count: count) + Array(repeating: 0x61, count: count - 1) + [0x2E],
      "deeper")
    expectRefused(
      .pickle,
      Array(repeating: 0x28, count: count) + Array(repeating: 0x31, count: count) + [0x2E],
      "0 items")
  }

  @Test func raggedLists() {
    expectRefused(.pickle, Array("((I1\nI2\ntI3\nt.".utf8), "ragged")
    expectRefused(.pickle, Array("((I1\nI2\nt(I3\ntt.".utf8), "ragged", "byte 13")
  }

  @Test func listsInsideOfThemselvesAreRefused() {
    // a = []; a.append(a)
    expectRefused(.pickle, [0x5D, 0x94, 0x68, 0, 0x61, 0x2E], "deeper")
    // a = []; a += [a] * 40
    let wide: [UInt8] = [0x5D, 0x94, 0x28] + Array(repeatElement([0x68, 0], count: 40).joined())
    expectRefused(.pickle, wide + [0x65, 0x2E], code: .tooLarge)
  }

  /// Lists of the same list, ten times each, again and again.
  private func bomb(levels: Int, width: Int, core: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = core + [0x94]
    for level in 0..<levels {
      bytes += [0x5D, 0x28]
      bytes += repeatElement([0x68, UInt8(level)], count: width).joined()
      bytes += [0x65, 0x94]
    }
    // All but the last are left below it on the stack: drop them by rebuilding from the memo.
    return [0x28] + bytes + [0x31, 0x68, UInt8(levels), 0x2E]
  }

  @Test func memoBombsStopAtTheLimit() throws {
    // 10^9, 50^30 and 2^31 times one number; the same of empty lists.
    for core: [UInt8] in [[0x5D, 0x4B, 1, 0x61], [0x5D]] {
      expectRefused(.pickle, bomb(levels: 9, width: 10, core: core), code: .tooLarge)
      expectRefused(.pickle, bomb(levels: 30, width: 50, core: core), code: .tooLarge)
      expectRefused(.pickle, bomb(levels: 31, width: 2, core: core), code: .tooLarge)
      expectRefused(.pickle, bomb(levels: 200, width: 1, core: core), "deeper")
    }
    #expect(
      try read(bomb(levels: 3, width: 10, core: [0x5D, 0x4B, 1, 0x61])).numbers.count == 1000)
  }
}
