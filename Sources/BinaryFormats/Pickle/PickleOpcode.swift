/// The opcodes of pickles that are read.
///
/// Source: https://docs.python.org/3/library/pickletools.html
enum PickleOpcode: UInt8 {
  case mark = 0x28  // (
  case stop = 0x2E  // .
  case pop = 0x30  // 0
  case popMark = 0x31  // 1
  case dup = 0x32  // 2
  case float = 0x46  // F
  case binFloat = 0x47  // G
  case int = 0x49  // I
  case binInt = 0x4A  // J
  case binInt1 = 0x4B  // K
  case long = 0x4C  // L
  case binInt2 = 0x4D  // M
  case emptyTuple = 0x29  // )
  case emptyList = 0x5D  // ]
  case append = 0x61  // a
  case appends = 0x65  // e
  case get = 0x67  // g
  case binGet = 0x68  // h
  case longBinGet = 0x6A  // j
  case list = 0x6C  // l
  case put = 0x70  // p
  case binPut = 0x71  // q
  case longBinPut = 0x72  // r
  case tuple = 0x74  // t
  case proto = 0x80
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case newTrue = 0x88
  case newFalse = 0x89
  case long1 = 0x8A
  case long4 = 0x8B
  case none = 0x4E  // N
  case reduce = 0x52  // R
  case unicode = 0x56  // V
  case binUnicode = 0x58  // X
  case shortBinBytes = 0x43  // C
  case build = 0x62  // b
  case global = 0x63  // c
  case shortBinUnicode = 0x8C
  case stackGlobal = 0x93
  case memoize = 0x94
  case frame = 0x95

  /// Opcodes that import, build or call something. There is no code behind them here, but for what makes
  /// scalars of numpy.
  static let dangerous: [UInt8: String] = [
    0x50: "PERSID", 0x51: "BINPERSID", 0x52: "REDUCE", 0x62: "BUILD", 0x63: "GLOBAL",
    0x69: "INST", 0x6F: "OBJ", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4",
    0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
  ]

  /// Opcodes for what is no number and no list. A few are read where they make a number.
  static let others: [UInt8: String] = [
    0x4E: "NONE", 0x53: "STRING", 0x54: "BINSTRING", 0x55: "SHORT_BINSTRING", 0x56: "UNICODE",
    0x58: "BINUNICODE", 0x64: "DICT", 0x7D: "EMPTY_DICT", 0x73: "SETITEM", 0x75: "SETITEMS",
    0x42: "BINBYTES", 0x43: "SHORT_BINBYTES", 0x8C: "SHORT_BINUNICODE", 0x8D: "BINUNICODE8",
    0x8E: "BINBYTES8", 0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET",
    0x96: "BYTEARRAY8",
  ]
}
