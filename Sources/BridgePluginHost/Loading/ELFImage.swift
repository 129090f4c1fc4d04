internal import Glibc

/// What is read of a shared object's headers before it is loaded.
///
/// The system's loader trusts them: where they lead beyond the end of the file it maps what is not there,
/// and the process ends by SIGBUS. So whatever it will follow is followed here first.
///
/// Source: System V ABI, chapters 4 and 5, and its supplement for x86-64 and AArch64.
struct ELFImage {
  /// The names of the libraries it needs.
  private(set) var needed: [String] = []
  /// What others need it by; empty where it has no name.
  private(set) var name = ""
  /// Where the libraries it needs are looked for first.
  private(set) var searchPath: [String] = []

  /// What runs when it is loaded.
  private(set) var constructors = Constructors()

  /// The functions that the loader calls once it has loaded an object, and where the file says so.
  struct Constructors {
    /// The address of DT_INIT's function.
    fileprivate(set) var first: UInt64?
    /// The address of the list of the others, and how many these are.
    fileprivate(set) var list: UInt64?
    fileprivate(set) var count: UInt64 = 0
    /// Eight bytes each, in the file, and what to write there, so that the loader finds none.
    fileprivate(set) var edits: [(offset: UInt64, value: UInt64)] = []
  }

  private var relocatesText = false
  private let file: UnsafeRawBufferPointer
  private var segments: [Segment] = []

  /// A part of the file that is mapped.
  private struct Segment {
    let address: UInt64
    let memorySize: UInt64
    let offset: UInt64
    let fileSize: UInt64
    let isExecutable: Bool
    let isWritable: Bool
  }

  /// Where its table of symbols and their names are in the file.
  struct SymbolTable {
    let offset: UInt64
    let count: UInt64
    let names: UInt64
    let namesSize: UInt64
  }

  /// What others may find in it, and what it looks for elsewhere.
  private(set) var symbolTable = SymbolTable(offset: 0, count: 0, names: 0, namesSize: 0)

  /// Why a file cannot be loaded.
  struct Fault: Error {
    let message: String
    /// Whether all that is wrong is that its code has to be changed where it is loaded.
    var isTextRelocation = false

    init(_ message: String) { self.message = message }
  }

  #if arch(x86_64)
    private static let machine: UInt16 = 62
    /// R_X86_64_IRELATIV: the loader calls what it names.
    private static let indirect: UInt64 = 37
  #elseif arch(arm64)
    private static let machine: UInt16 = 183
    /// R_AARCH64_IRELATIVE.
    private static let indirect: UInt64 = 1032
  #endif

  /// - Parameter file: The whole file; looked at in this `init` only.
  init(_ file: UnsafeRawBufferPointer) throws(Fault) {
    self.file = file
    try readHeaders()
  }

  /// Where a library is looked for that an object needs, as far as that says so relative to itself: what
  /// the loader finds elsewhere is the system's.
  ///
  /// - Parameter path: Of the object.
  func places(of name: String, neededBy path: String) -> [String] {
    let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    return searchPath.compactMap { entry in
      let place = entry.replacing("${ORIGIN}", with: directory)
        .replacing("$ORIGIN", with: directory)
      return place == entry ? nil : "\(place)/\(name)"
    }
  }

  /// Whether a file ends before the table of its sections does, which is usually its last part. Nothing of
  /// that table is loaded.
  static func isShort(_ file: UnsafeRawBufferPointer) -> Bool {
    guard file.count >= 64 else { return true }
    let table = UInt64(littleEndian: file.loadUnaligned(fromByteOffset: 40, as: UInt64.self))
    let size = UInt16(littleEndian: file.loadUnaligned(fromByteOffset: 58, as: UInt16.self))
    let count = UInt16(littleEndian: file.loadUnaligned(fromByteOffset: 60, as: UInt16.self))
    let (end, overflow) = table.addingReportingOverflow(UInt64(size) * UInt64(count))
    return overflow || end > UInt64(file.count)
  }

  // MARK: Reading

  private func load<T: FixedWidthInteger>(_: T.Type, at offset: UInt64) throws(Fault) -> T {
    let size = UInt64(MemoryLayout<T>.size)
    guard offset <= UInt64(file.count), UInt64(file.count) - offset >= size else {
      throw Fault("it is cut off: its headers lead to byte \(offset) of \(file.count)")
    }
    return T(littleEndian: file.loadUnaligned(fromByteOffset: Int(offset), as: T.self))
  }

  private mutating func readHeaders() throws(Fault) {
    guard file.count >= 64, file.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
      throw Fault("it is no shared object: it does not begin as an ELF file does")
    }
    // Class, byte order, version; type, machine.
    guard file[4] == 2, file[5] == 1, file[6] == 1, try load(UInt16.self, at: 18) == Self.machine
    else { throw Fault("it is made for another machine") }
    guard try load(UInt16.self, at: 16) == 3 else { throw Fault("it is no shared object") }
    let table = try load(UInt64.self, at: 32)
    let entrySize = try load(UInt16.self, at: 54)
    let count = try load(UInt16.self, at: 56)
    guard entrySize == 56, count > 0 else { throw Fault("its program headers are malformed") }
    var dynamic: (address: UInt64, size: UInt64)?
    for index in 0..<UInt64(count) {
      let (header, overflow) = table.addingReportingOverflow(index * 56)
      if overflow { throw Fault("its program headers are malformed") }
      let type = try load(UInt32.self, at: header)
      let segment = Segment(
        address: try load(UInt64.self, at: header + 16),
        memorySize: try load(UInt64.self, at: header + 40),
        offset: try load(UInt64.self, at: header + 8),
        fileSize: try load(UInt64.self, at: header + 32),
        isExecutable: try load(UInt32.self, at: header + 4) & 1 != 0,
        isWritable: try load(UInt32.self, at: header + 4) & 2 != 0)
      switch type {
      case 1: try add(segment, alignment: try load(UInt64.self, at: header + 48))
      case 2: dynamic = (segment.address, segment.fileSize)
      default: break
      }
    }
    guard !segments.isEmpty, let dynamic else { throw Fault("it has nothing to load") }
    try readDynamic(dynamic.address, dynamic.size)
  }

  private mutating func add(_ segment: Segment, alignment: UInt64) throws(Fault) {
    let (fileEnd, a) = segment.offset.addingReportingOverflow(segment.fileSize)
    let (end, b) = segment.address.addingReportingOverflow(segment.memorySize)
    guard !a, !b, segment.fileSize <= segment.memorySize, end < 1 << 40 else {
      throw Fault("one of its segments is malformed")
    }
    guard fileEnd <= UInt64(file.count) else {
      throw Fault("it is cut off: it has \(file.count) bytes, and its segments end at \(fileEnd)")
    }
    guard alignment == 0 || alignment & (alignment - 1) == 0,
      alignment <= 1 || segment.address % alignment == segment.offset % alignment
    else { throw Fault("one of its segments is not aligned") }
    if let last = segments.last, segment.address < last.address + last.memorySize {
      throw Fault("its segments overlap")
    }
    segments.append(segment)
  }

  /// Where in the file an address is; nil where so many bytes are not all there.
  private func offset(of address: UInt64, _ size: UInt64) -> UInt64? {
    for segment in segments where address >= segment.address {
      let inside = address - segment.address
      if inside <= segment.fileSize, segment.fileSize - inside >= size {
        return segment.offset + inside
      }
    }
    return nil
  }

  private func isWritable(_ address: UInt64, _ size: UInt64) -> Bool {
    segments.contains { segment in
      guard segment.isWritable, address >= segment.address else { return false }
      let inside = address - segment.address
      return inside <= segment.memorySize && segment.memorySize - inside >= size
    }
  }

  private func isCode(_ address: UInt64) -> Bool {
    segments.contains {
      $0.isExecutable && address >= $0.address && address - $0.address < $0.fileSize
    }
  }

  // MARK: The dynamic section

  private mutating func readDynamic(_ address: UInt64, _ size: UInt64) throws(Fault) {
    guard size < 1 << 20, let start = offset(of: address, size) else {
      throw Fault("its dynamic section is not in the file")
    }
    var values: [UInt64: UInt64] = [:]
    var needed: [UInt64] = []
    for entry in stride(from: start, to: start + size / 16 * 16, by: 16) {
      let tag = try load(UInt64.self, at: entry)
      let value = try load(UInt64.self, at: entry + 8)
      if tag == 0 { break }
      switch tag {
      case 12:
        constructors.first = value
        // DT_DEBUG, which says nothing in a shared object.
        constructors.edits.append((entry, 21))
      case 27:
        constructors.count = value / 8
        constructors.edits.append((entry + 8, 0))
      default: break
      }
      if tag == 1 { needed.append(value) } else { values[tag] = value }
    }
    // DT_STRTAB and DT_STRSZ, DT_SYMTAB and DT_SYMENT.
    guard let texts = values[5], let textSize = values[10], textSize > 0,
      let textOffset = offset(of: texts, textSize), file[Int(textOffset + textSize) - 1] == 0
    else { throw Fault("its names are not in the file") }
    func text(_ index: UInt64) throws(Fault) -> String {
      guard index < textSize else { throw Fault("one of its names is not in the file") }
      let bytes = file[Int(textOffset + index)..<Int(textOffset + textSize)].prefix { $0 != 0 }
      return String(decoding: bytes, as: UTF8.self)
    }
    for index in needed { self.needed.append(try text(index)) }
    if let index = values[14] { name = try text(index) }
    // DT_RUNPATH, or else DT_RPATH.
    if let index = values[29] ?? values[15] {
      searchPath = try text(index).split(separator: ":").map(String.init)
    }
    guard let symbols = values[6], values[11] ?? 24 == 24 else {
      throw Fault("its symbols are malformed")
    }
    let symbolCount = try countSymbols(values)
    guard let symbolOffset = offset(of: symbols, symbolCount * 24) else {
      throw Fault("its symbols are not in the file")
    }
    try checkSymbols(symbols, symbolCount, textSize)
    symbolTable = SymbolTable(
      offset: symbolOffset, count: symbolCount, names: textOffset, namesSize: textSize)
    // DT_TEXTREL, or DF_TEXTREL of DT_FLAGS: only then may code be meant.
    relocatesText = values[22] != nil || (values[30] ?? 0) & 4 != 0
    // DT_RELA, DT_RELASZ; DT_JMPREL, DT_PLTRELSZ; DT_RELR, DT_RELRSZ.
    try checkRelocations(values[7], values[8], symbolCount)
    try checkRelocations(values[23], values[2], symbolCount)
    if let address = values[36], offset(of: address, values[35] ?? 0) == nil {
      throw Fault("its relocations are not in the file")
    }
    // DT_INIT and DT_FINI; DT_INIT_ARRAY, DT_FINI_ARRAY and their sizes.
    for tag: UInt64 in [12, 13] {
      if let code = values[tag], !isCode(code) { throw Fault("its start is not in its code") }
    }
    for (tag, sizeTag) in [(25, 27), (26, 28)] as [(UInt64, UInt64)] {
      if let address = values[tag], offset(of: address, values[sizeTag] ?? 0) == nil {
        throw Fault("its list of functions to start with is not in the file")
      }
    }
    constructors.list = values[25]
    // DT_VERSYM, DT_VERNEED, DT_VERDEF.
    for (tag, size) in [
      (0x6FFF_FFF0, symbolCount * 2), (0x6FFF_FFFE, 16), (0x6FFF_FFFC, 20),
    ] as [(UInt64, UInt64)] {
      if let address = values[tag], offset(of: address, size) == nil {
        throw Fault("its versions are not in the file")
      }
    }
  }

  /// The number of symbols, which only the tables to find them by tell.
  private func countSymbols(_ values: [UInt64: UInt64]) throws(Fault) -> UInt64 {
    // DT_HASH: two numbers, buckets, chains.
    if let address = values[4], let table = offset(of: address, 8) {
      let buckets = UInt64(try load(UInt32.self, at: table))
      let chains = UInt64(try load(UInt32.self, at: table + 4))
      guard offset(of: address, 8 + 4 * (buckets + chains)) != nil else {
        throw Fault("its table of symbols is not in the file")
      }
      if values[0x6FFF_FEF5] == nil { return chains }
    }
    // DT_GNU_HASH: four numbers, a bloom filter, buckets, chains.
    guard let address = values[0x6FFF_FEF5], let table = offset(of: address, 16) else {
      throw Fault("it has no table of symbols")
    }
    let bucketCount = UInt64(try load(UInt32.self, at: table))
    let first = UInt64(try load(UInt32.self, at: table + 4))
    let filterSize = UInt64(try load(UInt32.self, at: table + 8))
    guard bucketCount > 0, filterSize > 0, filterSize & (filterSize - 1) == 0 else {
      throw Fault("its table of symbols is malformed")
    }
    let buckets = 16 + 8 * filterSize
    let chains = buckets + 4 * bucketCount
    guard offset(of: address, chains) != nil else {
      throw Fault("its table of symbols is not in the file")
    }
    var last: UInt64 = 0
    for index in 0..<bucketCount {
      let symbol = UInt64(try load(UInt32.self, at: table + buckets + 4 * index))
      guard symbol == 0 || symbol >= first else {
        throw Fault("its table of symbols is malformed")
      }
      last = max(last, symbol)
    }
    if last == 0 {
      // It defines none that can be found by name, and GNU's linker counts none then: those it needs are
      // counted by who refers to them.
      return max(
        first, try countReferences(values[7], values[8]), try countReferences(values[23], values[2])
      )
    }
    // The last chain ends with the last symbol.
    while true {
      guard let place = offset(of: address + chains + 4 * (last - first), 4) else {
        throw Fault("its table of symbols is not in the file")
      }
      last += 1
      if try load(UInt32.self, at: place) & 1 != 0 { return last }
    }
  }

  /// One more than the highest number of a symbol that relocations name.
  private func countReferences(_ address: UInt64?, _ size: UInt64?) throws(Fault) -> UInt64 {
    guard let address, let size, size > 0 else { return 0 }
    guard size < 1 << 32, let table = offset(of: address, size) else {
      throw Fault("its relocations are not in the file")
    }
    var count: UInt64 = 0
    for entry in stride(from: table, to: table + size / 24 * 24, by: 24) {
      count = max(count, try load(UInt64.self, at: entry + 8) >> 32 + 1)
    }
    return count
  }

  private func checkSymbols(
    _ address: UInt64, _ count: UInt64, _ textSize: UInt64
  ) throws(Fault) {
    let table = offset(of: address, count * 24)!
    for index in 0..<count {
      let symbol = table + index * 24
      guard UInt64(try load(UInt32.self, at: symbol)) < textSize else {
        throw Fault("the name of a symbol is not in the file")
      }
      // STT_GNU_IFUNC: the loader calls it.
      let isDefined = try load(UInt16.self, at: symbol + 6) != 0
      if isDefined, file[Int(symbol) + 4] & 0xF == 10,
        !isCode(try load(UInt64.self, at: symbol + 8))
      {
        throw Fault("a symbol that is to be called is not in its code")
      }
    }
  }

  private func checkRelocations(
    _ address: UInt64?, _ size: UInt64?, _ symbolCount: UInt64
  ) throws(Fault) {
    guard let address, let size, size > 0 else { return }
    guard size < 1 << 32, let table = offset(of: address, size) else {
      throw Fault("its relocations are not in the file")
    }
    for entry in stride(from: table, to: table + size / 24 * 24, by: 24) {
      let info = try load(UInt64.self, at: entry + 8)
      if relocatesText, isCode(try load(UInt64.self, at: entry)),
        !isWritable(try load(UInt64.self, at: entry), 8)
      {
        var fault = Fault("its code has to be changed to be loaded (text relocations)")
        fault.isTextRelocation = true
        throw fault
      }
      // A thread-local variable's addend is no address; a type of 0 does nothing.
      let type = info & 0xFFFF_FFFF
      if type == 0 { continue }
      guard isWritable(try load(UInt64.self, at: entry), 8), info >> 32 < max(symbolCount, 1) else {
        throw Fault("one of its relocations leads out of it")
      }
      if type == Self.indirect, !isCode(try load(UInt64.self, at: entry + 16)) {
        throw Fault("one of its relocations is not in its code")
      }
    }
  }
}
