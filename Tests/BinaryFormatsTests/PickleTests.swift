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

  /// pickle.dumps of [float32(1.5), float32(2), int64(-3), bool_(True), dtype(">i2").type(258)] of numpy 1
  /// and 2, protocols 0, 2 and 4.
  @Test(arguments: ["numpy.core", "numpy._core"])
  func scalarsOfNumpy(module: String) throws {
    let bytes = Array("\0\0À?".unicodeScalars.map { UInt8($0.value) })
    for pickle in [
      Self.protocol0(module, "f4", "<", "\\u0000\\u0000".utf8 + [0xC0, 0x3F]),
      Self.protocol2(module, "f4", "<", Array("\0\0À?".utf8)),
      Self.protocol4(module, "f4", "<", bytes),
      Self.protocol4(module, "f4", "=", bytes),
      Self.protocol4(module, "f4", ">", bytes.reversed()),
      Self.protocol4(module, "f2", "<", [0, 0x3E]),
      Self.protocol4(module, "f8", ">", [0x3F, 0xF8, 0, 0, 0, 0, 0, 0]),
    ] {
      let array = try read(pickle)
      #expect(array.numbers == [1.5])
      #expect(array.shape == [1])
      for count in 0..<pickle.count { expectRefused(.pickle, Array(pickle.prefix(count))) }
    }
    let whole: [(String, String, [UInt8], Int64, ElementType)] = [
      ("i8", "<", [253, 255, 255, 255, 255, 255, 255, 255], -3, .int64),
      ("i4", ">", [255, 255, 255, 253], -3, .int64), ("i2", ">", [1, 2], 258, .int64),
      ("i1", "|", [253], -3, .int64), ("u4", "<", [255, 255, 255, 255], 4_294_967_295, .int64),
      ("u2", "<", [1, 2], 513, .int64), ("u1", "|", [255], 255, .int64),
      ("u8", "<", [1, 0, 0, 0, 0, 0, 32, 0], 9_007_199_254_740_993, .int64),
      ("b1", "|", [1], 1, .bool), ("b1", "|", [0], 0, .bool),
    ]
    for (type, order, bytes, value, element) in whole {
      let array = try read(Self.protocol4(module, type, order, bytes))
      #expect(array.elementType == element)
      let read = array.bytes.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.1) << (8 * $1.0) }
      #expect(Int64(bitPattern: read) == value, "\(type)")
    }
    let largest = try read(
      Self.protocol4(module, "u8", "<", [UInt8](repeating: 255, count: 8)))
    #expect(largest.elementType == .uint64)
  }

  private static func text(_ text: String) -> [UInt8] {
    [0x8C, UInt8(text.utf8.count)] + text.utf8
  }

  /// `[scalar(dtype(type), bytes)]`
  private static func protocol4(
    _ module: String, _ type: String, _ order: String, _ bytes: [UInt8],
    call: [UInt8] = [0x52], state: [UInt8]? = nil
  ) -> [UInt8] {
    [0x80, 4, 0x5D, 0x94] + text(module + ".multiarray") + text("scalar") + [0x93, 0x94]
      + text("numpy") + text("dtype") + [0x93] + text(type) + [0x89, 0x88, 0x87, 0x52, 0x94]
      + [0x28, 0x4B, 3] + text(order)
      + (state ?? [0x4E, 0x4E, 0x4E, 0x4A, 255, 255, 255, 255, 0x4A, 255, 255, 255, 255, 0x4B, 0])
      + [0x74, 0x62, 0x43, UInt8(bytes.count)] + bytes + [0x86] + call + [0x61, 0x2E]
  }

  private static func protocol2(
    _ module: String, _ type: String, _ order: String, _ bytes: [UInt8]
  ) -> [UInt8] {
    func text(_ bytes: some Collection<UInt8>) -> [UInt8] {
      [0x58, UInt8(bytes.count), 0, 0, 0] + bytes
    }
    return [0x80, 2, 0x5D, 0x71, 0] + "c\(module).multiarray\nscalar\ncnumpy\ndtype\n".utf8
      + text(type.utf8) + [0x89, 0x88, 0x87, 0x52, 0x28, 0x4B, 3] + text(order.utf8)
      + [0x4E, 0x4E, 0x4E, 0x4A, 255, 255, 255, 255, 0x4A, 255, 255, 255, 255, 0x4B, 0, 0x74, 0x62]
      + "c_codecs\nencode\n".utf8 + text(bytes) + text("latin1".utf8) + [0x86, 0x52, 0x86, 0x52]
      + [0x61, 0x2E]
  }

  private static func protocol0(
    _ module: String, _ type: String, _ order: String, _ escaped: [UInt8]
  ) -> [UInt8] {
    let start =
      "(lc\(module).multiarray\nscalar\n(cnumpy\ndtype\n(V\(type)\nI00\nI01\ntR(I3\nV\(order)\n"
      + "NNNI-1\nI-1\nI0\ntbc_codecs\nencode\n(V"
    return Array(start.utf8) + escaped + "\nVlatin1\ntRtRa.".utf8
  }

  /// What makes scalars makes nothing else.
  @Test func nothingButScalarsIsMade() {
    let one: [UInt8] = [0, 0, 0x80, 0x3F]
    let module = "numpy.core"
    for (pickle, opcode) in [
      (Self.protocol4("numpy.random", "f4", "<", one), "STACK_GLOBAL"),
      (Self.protocol2("os", "f4", "<", one), "GLOBAL"),
      (Self.protocol4(module, "O8", "<", one), "REDUCE"),
      (Self.protocol4(module, "c8", "<", one + one), "REDUCE"),
      (Self.protocol4(module, "f4", "<", one + one), "REDUCE"),
      (Self.protocol4(module, "f4", "<", []), "REDUCE"),
      (Self.protocol4(module, "f4", "x", one), "BUILD"),
      (Self.protocol4(module, "f4", "<", one, state: [0x4E, 0x4E, 0x4E, 0x4B, 1]), "BUILD"),
      (
        Self.protocol4(
          module, "f4", "<", one,
          state: [0x29, 0x4E, 0x4E, 0x4B, 1, 0x4B, 1, 0x4B, 0]), "BUILD"
      ),
      (Self.protocol4(module, "f4", "<", one, call: [0x52, 0x29, 0x52]), "REDUCE"),
      (Self.protocol4(module, "f4", "<", one, call: [0x81]), "NEWOBJ"),
      // encode("é", "utf8"), encode("Ā", "latin1")
      (Array("c_codecs\nencode\n(V\\u00e9\nVutf8\ntR.".utf8), "REDUCE"),
      (Array("c_codecs\nencode\n(V\\u0100\nVlatin1\ntR.".utf8), "REDUCE"),
      // What is left over is no number.
      (Array("c_codecs\nencode\n.".utf8), "GLOBAL"), (Array("(lVtext\na.".utf8), "UNICODE"),
      (Array("cnumpy\ndtype\n(Vf4\nI00\nI01\ntR.".utf8), "REDUCE"),
      (Array("V\\x41\n.".utf8), "UNICODE"), (Array("V\\u12\n.".utf8), "UNICODE"),
      ([0x8C, 65] + [UInt8](repeating: 0x61, count: 65) + [0x2E], "SHORT_BINUNICODE"),
      ([0x58, 255, 255, 255, 255, 0x61, 0x2E], "BINUNICODE"),
      ([0x8C, 1, 0xFF, 0x2E], "SHORT_BINUNICODE"),
      ([0x43, 65] + [UInt8](repeating: 0x61, count: 65) + [0x2E], "SHORT_BINBYTES"),
    ] as [([UInt8], String)] {
      expectRefused(.pickle, pickle, "opcode \(opcode) ")
    }
  }

  @Test func onlyKnownOpcodesAreRead() throws {
    // Each of the 256 opcodes alone: those that are read are these.
    let known = Set("(.012FGIJKLM)]aeghjlpqrtNVXCc".utf8).union([
      0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x94, 0x95,
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

  /// Texts are names; one that is not used takes 64 bytes at most.
  @Test func textsAreShort() throws {
    func pickle(_ length: Int) -> [UInt8] {
      // SHORT_BINUNICODE, POP, BININT1 7, STOP.
      [0x8C, UInt8(length)] + [UInt8](repeating: 0x61, count: length) + [0x30, 0x4B, 7, 0x2E]
    }
    for length in [0, 1, 64] { #expect(try read(pickle(length)).numbers == [7]) }
    expectRefused(.pickle, pickle(65), "SHORT_BINUNICODE")
  }
}
