import Testing

@testable import BridgePluginHost

/// A shared object in bytes: one segment that holds the whole file at address 0, and what a test makes of it.
private struct Object {
  var bytes = [UInt8](repeating: 0, count: 0x800)
  /// The dynamic section, without its end.
  var dynamic: [(tag: UInt64, value: UInt64)] = [
    (strings, 0x100), (stringsSize, 0x20), (symbols, 0x140), (symbolSize, 24), (hash, 0x200),
  ]

  static let needed: UInt64 = 1, pltSize: UInt64 = 2, hash: UInt64 = 4, strings: UInt64 = 5
  static let symbols: UInt64 = 6, rela: UInt64 = 7, relaSize: UInt64 = 8, stringsSize: UInt64 = 10
  static let symbolSize: UInt64 = 11, start: UInt64 = 12, end: UInt64 = 13, name: UInt64 = 14
  static let rpath: UInt64 = 15, plt: UInt64 = 23, startList: UInt64 = 25, endList: UInt64 = 26
  static let startListSize: UInt64 = 27, endListSize: UInt64 = 28, runpath: UInt64 = 29
  static let relrSize: UInt64 = 35, relr: UInt64 = 36
  static let gnuHash: UInt64 = 0x6FFF_FEF5, versions: UInt64 = 0x6FFF_FFF0
  static let versionsDefined: UInt64 = 0x6FFF_FFFC, versionsNeeded: UInt64 = 0x6FFF_FFFE

  /// Where things are in the file, and in memory.
  static let segment = 0x40, dynamicSegment = 0x78, dynamicPlace = 0x300,
    relocations: UInt64 = 0x500
  #if arch(x86_64)
    static let machine: UInt16 = 62, indirect: UInt64 = 37
  #else
    static let machine: UInt16 = 183, indirect: UInt64 = 1032
  #endif

  init() {
    bytes.replaceSubrange(0..<7, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
    put(3 as UInt16, at: 16)
    put(Self.machine, at: 18)
    put(0x40 as UInt64, at: 32)
    put(56 as UInt16, at: 54)
    put(2 as UInt16, at: 56)
    // May be read, written and run.
    putSegment(
      at: Self.segment, type: 1, flags: 7, address: 0, offset: 0, size: 0x800, align: 0x1000)
    bytes.replaceSubrange(0x100..<0x112, with: Array("\0liba.so\0own\0$O:/p".utf8))
    // Two symbols: none, and a defined function of the code.
    putSymbol(1, name: 9, type: 2, section: 1, address: 0x700)
    // One bucket, two chains.
    put(1 as UInt32, at: 0x200)
    put(2 as UInt32, at: 0x204)
  }

  mutating func put(_ value: some FixedWidthInteger, at place: Int) {
    withUnsafeBytes(of: value.littleEndian) {
      bytes.replaceSubrange(place..<place + $0.count, with: $0)
    }
  }

  mutating func putSegment(
    at place: Int, type: UInt32, flags: UInt32, address: UInt64, offset: UInt64, size: UInt64,
    memorySize: UInt64? = nil, align: UInt64
  ) {
    put(type, at: place)
    put(flags, at: place + 4)
    put(offset, at: place + 8)
    put(address, at: place + 16)
    put(size, at: place + 32)
    put(memorySize ?? size, at: place + 40)
    put(align, at: place + 48)
  }

  mutating func putSymbol(_ index: Int, name: UInt32, type: UInt8, section: UInt16, address: UInt64)
  {
    let place = 0x140 + 24 * index
    put(name, at: place)
    put(type, at: place + 4)
    put(section, at: place + 6)
    put(address, at: place + 8)
  }

  mutating func putRelocation(
    _ index: Int = 0, at address: UInt64, symbol: UInt64 = 0, type: UInt64 = 8, addend: UInt64 = 0
  ) {
    let place = Int(Self.relocations) + 24 * index
    put(address, at: place)
    put(symbol << 32 | type, at: place + 8)
    put(addend, at: place + 16)
  }

  /// Takes out what the dynamic section says of a tag, and puts a value in its place.
  mutating func set(_ tag: UInt64, _ value: UInt64?) {
    dynamic.removeAll { $0.tag == tag }
    if let value { dynamic.append((tag, value)) }
  }

  /// A table of relocations.
  mutating func setRelocations(_ count: UInt64 = 1, address: UInt64 = relocations) {
    set(Self.rela, address)
    set(Self.relaSize, 24 * count)
  }

  mutating func setGNUHash(
    buckets: [UInt32], first: UInt32 = 1, filter: UInt32 = 1, chains: [UInt32] = []
  ) {
    set(Self.hash, nil)
    set(Self.gnuHash, 0x200)
    for (index, number) in [UInt32(buckets.count), first, filter, 0].enumerated() {
      put(number, at: 0x200 + 4 * index)
    }
    let place = 0x210 + 8 * Int(filter)
    for (index, number) in (buckets + chains).enumerated() { put(number, at: place + 4 * index) }
  }

  /// Reads it.
  func image() throws -> ELFImage {
    var place = Self.dynamicPlace
    var written = self
    for entry in dynamic + [(0, 0)] {
      written.put(entry.tag, at: place)
      written.put(entry.value, at: place + 8)
      place += 16
    }
    if written.bytes[Self.dynamicSegment] == 0 {
      written.putSegment(
        at: Self.dynamicSegment, type: 2, flags: 6, address: UInt64(Self.dynamicPlace),
        offset: UInt64(Self.dynamicPlace), size: UInt64(place - Self.dynamicPlace), align: 8)
    }
    return try written.bytes.withUnsafeBytes { try ELFImage($0) }
  }

  /// What is wrong with it; nil when nothing is.
  var fault: String? {
    do {
      _ = try image()
      return nil
    } catch {
      return (error as? ELFImage.Fault)?.message ?? "\(error)"
    }
  }
}

/// What is read of a shared object before the system's loader sees it, to the byte.
@Suite struct ELFImageTests {
  /// What is wrong with an object after a change.
  private func fault(_ change: (inout Object) -> Void) -> String? {
    var object = Object()
    change(&object)
    return object.fault
  }

  @Test func aSmallObjectIsRead() throws {
    var object = Object()
    object.dynamic += [
      (Object.needed, 1), (Object.name, 9), (Object.runpath, 13), (Object.rpath, 1),
    ]
    let image = try object.image()
    #expect(image.needed == ["liba.so"] && image.name == "own")
    #expect(image.searchPath == ["$O", "/p"])
    #expect(image.constructors.first == nil && image.constructors.list == nil)
    #expect(image.constructors.count == 0 && image.constructors.edits.isEmpty)
    object.set(Object.runpath, nil)
    object.set(Object.name, nil)
    object.set(Object.needed, 31)
    let other = try object.image()
    #expect(other.searchPath == ["liba.so"] && other.name == "" && other.needed == [""])
  }

  @Test func constructorsAreFoundAndHidden() throws {
    var object = Object()
    object.dynamic += [
      (Object.start, 0x700), (Object.startList, 0x600), (Object.startListSize, 24),
      (Object.end, 0x708), (Object.endList, 0x620), (Object.endListSize, 8),
    ]
    let constructors = try object.image().constructors
    #expect(constructors.first == 0x700 && constructors.list == 0x600 && constructors.count == 3)
    // The sixth entry becomes DT_DEBUG, the eighth an empty list.
    let entries = UInt64(Object.dynamicPlace)
    #expect(constructors.edits.map(\.offset) == [entries + 5 * 16, entries + 7 * 16 + 8])
    #expect(constructors.edits.map(\.value) == [21, 0])
  }

  /// The entries behind its end mean nothing.
  @Test func theDynamicSectionEndsWithItsEnd() {
    #expect(
      fault {
        $0.dynamic += [(0, 0), (Object.needed, 0x1000)]
      } == nil)
  }

  @Test func whatIsOfAnotherKindIsRefused() {
    for (place, value) in [(0, 0x7E), (3, 0x47)] as [(Int, UInt8)] {
      #expect(
        fault { $0.bytes[place] = value }
          == "it is no shared object: it does not begin as an ELF file does")
    }
    for (place, value) in [(4, 1), (5, 2), (6, 0), (18, 3)] as [(Int, UInt8)] {
      #expect(fault { $0.bytes[place] = value } == "it is made for another machine")
    }
    #expect(fault { $0.bytes[16] = 2 } == "it is no shared object")
  }

  @Test func shortFilesAreRefused() {
    for count in [0, 1, 63] {
      let bytes = Array(Object().bytes.prefix(count))
      let fault = #expect(throws: ELFImage.Fault.self) {
        try bytes.withUnsafeBytes { try ELFImage($0) }
      }
      #expect(fault?.message == "it is no shared object: it does not begin as an ELF file does")
    }
    let bytes = Array(Object().bytes.prefix(64))
    let fault = #expect(throws: ELFImage.Fault.self) {
      try bytes.withUnsafeBytes { try ELFImage($0) }
    }
    #expect(fault?.message == "it is cut off: its headers lead to byte 64 of 64")
  }

  @Test func programHeadersAreChecked() {
    let malformed = "its program headers are malformed"
    #expect(fault { $0.put(55 as UInt16, at: 54) } == malformed)
    #expect(fault { $0.put(0 as UInt16, at: 56) } == malformed)
    #expect(
      fault { $0.put(UInt64.max - 55, at: 32) }
        == "it is cut off: its headers lead to byte \(UInt64.max - 55) of 2048")
    #expect(
      fault {
        $0.bytes.append(contentsOf: $0.bytes[0x40..<0xB0])
        $0.put(0x800 as UInt64, at: 32)
      } != nil)
    #expect(fault { $0.put(9 as UInt32, at: Object.segment) } == "it has nothing to load")
    #expect(fault { $0.put(9 as UInt32, at: Object.dynamicSegment) } == "it has nothing to load")
  }

  @Test func segmentsAreChecked() {
    func fault(
      address: UInt64 = 0, offset: UInt64 = 0, size: UInt64 = 0x800, memory: UInt64? = nil,
      align: UInt64 = 0x1000
    ) -> String? {
      self.fault {
        $0.putSegment(
          at: Object.segment, type: 1, flags: 7, address: address, offset: offset, size: size,
          memorySize: memory, align: align)
      }
    }
    let malformed = "one of its segments is malformed"
    #expect(fault(memory: 0x800) == nil && fault(memory: 0x900) == nil)
    #expect(fault(memory: 0x7FF) == malformed)
    #expect(fault(memory: 1 << 40 - 1) == nil && fault(memory: 1 << 40) == malformed)
    #expect(fault(offset: .max - 0x7FE, align: 0) == malformed)
    #expect(fault(address: .max - 0xFFF, memory: 0x1000, align: 0) == malformed)
    #expect(
      fault(size: 0x801) == "it is cut off: it has 2048 bytes, and its segments end at 2049")
    let skew = "one of its segments is not aligned"
    for align: UInt64 in [0, 1, 2, 0x1000, 0x10000] { #expect(fault(align: align) == nil) }
    for align: UInt64 in [3, 0x1001] { #expect(fault(align: align) == skew) }
    #expect(fault(address: 0x10, size: 0x7F0, align: 0x20) == skew)
    #expect(fault(address: 0x20, size: 0x7F0, align: 0x20) != skew)
    #expect(fault(offset: 0x10, size: 0x7F0, align: 0x20) == skew)
  }

  /// One segment behind the other, and one that begins too soon.
  @Test(arguments: [(0x1000, true), (0xFFF, false)] as [(UInt64, Bool)])
  func segmentsDoNotOverlap(address: UInt64, isFine: Bool) {
    let fault = fault {
      $0.put(3 as UInt16, at: 56)
      $0.putSegment(
        at: Object.segment, type: 1, flags: 7, address: 0, offset: 0, size: 0x800,
        memorySize: 0x1000, align: 0)
      $0.putSegment(
        at: 0xB0, type: 1, flags: 6, address: address, offset: 0, size: 0x10, align: 0)
    }
    #expect(fault == (isFine ? nil : "its segments overlap"))
  }

  @Test func theDynamicSectionIsInTheFile() {
    let missing = "its dynamic section is not in the file"
    func fault(at address: UInt64, size: UInt64) -> String? {
      self.fault {
        $0.putSegment(
          at: Object.dynamicSegment, type: 2, flags: 6, address: address, offset: address,
          size: size, align: 8)
      }
    }
    #expect(fault(at: 0x300, size: 96) == nil)
    #expect(fault(at: 0x300, size: 0x500) == nil)
    #expect(fault(at: 0x300, size: 0x501) == missing)
    #expect(fault(at: 0x801, size: 0) == missing)
    #expect(fault(at: 0x300, size: 1 << 20) == missing)
  }

  @Test func namesAreInTheFile() {
    let missing = "its names are not in the file"
    #expect(fault { $0.set(Object.strings, nil) } == missing)
    #expect(fault { $0.set(Object.stringsSize, nil) } == missing)
    #expect(fault { $0.set(Object.stringsSize, 0) } == missing)
    #expect(fault { $0.set(Object.strings, 0x7F0) } == missing)
    #expect(fault { $0.set(Object.strings, 0x7E0) } == nil)
    #expect(
      fault {
        $0.set(Object.strings, 0x7E0)
        $0.set(Object.needed, 0x1F)
      } == nil)
    // The last one has an end.
    #expect(fault { $0.bytes[0x11F] = 1 } == missing)
    let one = "one of its names is not in the file"
    for tag in [Object.needed, Object.name, Object.runpath, Object.rpath] {
      #expect(fault { $0.set(tag, 0x20) } == one)
      #expect(fault { $0.set(tag, 0x1F) } == nil)
    }
  }

  @Test func symbolsAreInTheFile() {
    #expect(fault { $0.set(Object.symbols, nil) } == "its symbols are malformed")
    #expect(fault { $0.set(Object.symbolSize, 25) } == "its symbols are malformed")
    #expect(fault { $0.set(Object.symbolSize, nil) } == nil)
    #expect(fault { $0.set(Object.symbols, 0x7D0) } == nil)
    #expect(fault { $0.set(Object.symbols, 0x7D1) } == "its symbols are not in the file")
    #expect(fault { $0.putSymbol(1, name: 0x1F, type: 2, section: 1, address: 0) } == nil)
    #expect(
      fault { $0.putSymbol(1, name: 0x20, type: 2, section: 1, address: 0) }
        == "the name of a symbol is not in the file")
  }

  /// STT_GNU_IFUNC.
  @Test func whatTheLoaderCallsIsCode() {
    func fault(section: UInt16, type: UInt8 = 10, address: UInt64) -> String? {
      self.fault { $0.putSymbol(1, name: 0, type: type, section: section, address: address) }
    }
    #expect(fault(section: 1, address: 0x7FF) == nil)
    #expect(fault(section: 1, address: 0x800) == "a symbol that is to be called is not in its code")
    #expect(
      fault(section: 1, type: 0x1A, address: 0x800)
        == "a symbol that is to be called is not in its code")
    #expect(fault(section: 0, address: 0x800) == nil)
    #expect(fault(section: 1, type: 2, address: 0x800) == nil)
    let start = "its start is not in its code"
    for tag in [Object.start, Object.end] {
      #expect(self.fault { $0.set(tag, 0x7FF) } == nil)
      #expect(self.fault { $0.set(tag, 0x800) } == start)
      #expect(
        self.fault {
          $0.set(tag, 0x700)
          // It may be read and written.
          $0.put(6 as UInt32, at: Object.segment + 4)
        } == start)
    }
    let list = "its list of functions to start with is not in the file"
    for (tag, size) in [
      (Object.startList, Object.startListSize), (Object.endList, Object.endListSize),
    ] {
      #expect(
        self.fault {
          $0.set(tag, 0x7F0)
          $0.set(size, 16)
        } == nil)
      #expect(
        self.fault {
          $0.set(tag, 0x7F0)
          $0.set(size, 17)
        } == list)
      #expect(self.fault { $0.set(tag, 0x800) } == nil)
      #expect(self.fault { $0.set(tag, 0x801) } == list)
    }
  }

  @Test func theTableOfSymbolsIsInTheFile() {
    let missing = "its table of symbols is not in the file"
    #expect(fault { $0.set(Object.hash, nil) } == "it has no table of symbols")
    #expect(fault { $0.set(Object.hash, 0x7F9) } == "it has no table of symbols")
    // Two numbers, one bucket and two chains: 20 bytes.
    for (place, expected) in [(0x7EC, nil), (0x7F0, missing)] as [(Int, String?)] {
      #expect(
        fault {
          $0.set(Object.hash, UInt64(place))
          $0.put(1 as UInt32, at: place)
          $0.put(2 as UInt32, at: place + 4)
        } == expected)
    }
    // So many symbols: what is read for them here has no names.
    #expect(
      fault { $0.put(72 as UInt32, at: 0x204) } == "the name of a symbol is not in the file")
    #expect(fault { $0.put(73 as UInt32, at: 0x204) } == "its symbols are not in the file")
  }

  @Test func theTableOfGNUIsFollowed() {
    let malformed = "its table of symbols is malformed"
    let missing = "its table of symbols is not in the file"
    func fault(
      buckets: [UInt32], first: UInt32 = 1, filter: UInt32 = 1, chains: [UInt32] = [],
      _ change: (inout Object) -> Void = { _ in }
    ) -> String? {
      self.fault {
        $0.setGNUHash(buckets: buckets, first: first, filter: filter, chains: chains)
        change(&$0)
      }
    }
    #expect(fault(buckets: [1], chains: [1]) == nil)
    for filter: UInt32 in [1, 2, 4] {
      #expect(fault(buckets: [1], filter: filter, chains: [1]) == nil)
    }
    #expect(fault(buckets: [1], filter: 3, chains: [1]) == malformed)
    #expect(fault(buckets: [1], filter: 0, chains: [1]) == malformed)
    #expect(fault(buckets: []) == malformed)
    #expect(fault(buckets: [1], first: 2, chains: [1]) == malformed)
    #expect(fault(buckets: [2, 0], first: 2, chains: [1]) == nil)
    #expect(fault(buckets: [1], { $0.put(1 << 12 as UInt32, at: 0x200) }) == missing)
    #expect(fault(buckets: [1], { $0.set(Object.gnuHash, 0x7F1) }) == "it has no table of symbols")
    // The chain has no end before that of the file.
    #expect(
      fault(buckets: [1]) { object in
        for place in stride(from: 0x21C, to: 0x300, by: 4) { object.put(2 as UInt32, at: place) }
        object.set(Object.gnuHash, 0x7E0)
        for (index, number) in ([1, 1, 1, 0, 0, 0, 1, 2] as [UInt32]).enumerated() {
          object.put(number, at: 0x7E0 + 4 * index)
        }
      } == missing)
    // The symbols up to the end of the last chain are looked at, and no others.
    for (name, expected) in [
      (3, "the name of a symbol is not in the file"), (4, nil),
    ] as [(Int, String?)] {
      #expect(
        fault(buckets: [1, 2], chains: [3, 2, 5]) {
          $0.putSymbol(name, name: 0x20, type: 2, section: 1, address: 0)
        } == expected)
    }
  }

  /// GNU's linker counts no symbols where none can be found by name.
  @Test func symbolsThatAreOnlyReferredToAreCounted() {
    func fault(symbol: UInt64, name: UInt32, inPLT: Bool) -> String? {
      self.fault {
        $0.setGNUHash(buckets: [0])
        $0.putSymbol(3, name: name, type: 2, section: 0, address: 0)
        $0.putRelocation(0, at: 0x600, symbol: 1)
        $0.putRelocation(1, at: 0x600, symbol: symbol)
        if inPLT {
          $0.set(Object.plt, Object.relocations)
          $0.set(Object.pltSize, 48)
        } else {
          $0.setRelocations(2)
        }
      }
    }
    for inPLT in [false, true] {
      #expect(fault(symbol: 3, name: 0x1F, inPLT: inPLT) == nil)
      #expect(
        fault(symbol: 3, name: 0x20, inPLT: inPLT) == "the name of a symbol is not in the file")
      #expect(fault(symbol: 2, name: 0x20, inPLT: inPLT) == nil)
      #expect(fault(symbol: 1000, name: 0, inPLT: inPLT) == "its symbols are not in the file")
    }
  }

  @Test func relocationsOfCodeAreToldAsThose() {
    func fault(_ change: (inout Object) -> Void) -> ELFImage.Fault? {
      var object = Object()
      // May be read and run.
      object.put(5 as UInt32, at: Object.segment + 4)
      object.setRelocations()
      object.putRelocation(at: 0x600, symbol: 0, type: 8, addend: 0)
      change(&object)
      do {
        _ = try object.image()
        return nil
      } catch {
        return error as? ELFImage.Fault
      }
    }
    #expect(fault { _ in }?.isTextRelocation == false)
    // DT_TEXTREL; DF_TEXTREL of DT_FLAGS.
    #expect(fault { $0.set(22, 0) }?.isTextRelocation == true)
    #expect(fault { $0.set(30, 4) }?.isTextRelocation == true)
    #expect(fault { $0.set(30, 8) }?.isTextRelocation == false)
  }

  @Test func relocationsStayInside() {
    let outside = "one of its relocations leads out of it"
    let missing = "its relocations are not in the file"
    func fault(
      at address: UInt64, symbol: UInt64 = 0, type: UInt64 = 8, addend: UInt64 = 0,
      _ change: (inout Object) -> Void = { _ in }
    ) -> String? {
      self.fault {
        $0.setRelocations()
        $0.putRelocation(at: address, symbol: symbol, type: type, addend: addend)
        change(&$0)
      }
    }
    #expect(fault(at: 0x7F8, symbol: 1) == nil)
    #expect(fault(at: 0x7F9) == outside)
    #expect(fault(at: 0x600, symbol: 2) == outside)
    #expect(fault(at: 0x7F9, type: 0) == nil)
    // What may be read and run, but not written.
    #expect(fault(at: 0x600, { $0.put(5 as UInt32, at: Object.segment + 4) }) == outside)
    #expect(fault(at: 0x600, type: Object.indirect, addend: 0x7FF) == nil)
    #expect(
      fault(at: 0x600, type: Object.indirect, addend: 0x800)
        == "one of its relocations is not in its code")
    #expect(fault(at: 0x600, type: 8, addend: 0x800) == nil)
    // Memory behind the file's part of a segment may be written, too.
    #expect(fault(at: 0x8F8, { $0.put(0x900 as UInt64, at: Object.segment + 40) }) == nil)
    #expect(fault(at: 0x8F9, { $0.put(0x900 as UInt64, at: Object.segment + 40) }) == outside)
    #expect(fault(at: 0x600, { $0.setRelocations(32) }) == nil)
    #expect(fault(at: 0x600, { $0.setRelocations(33) }) == missing)
    #expect(fault(at: 0x600, { $0.set(Object.relaSize, 1 << 32) }) == missing)
    #expect(fault(at: 0x7F9, { $0.set(Object.relaSize, 0) }) == nil)
    // Half an entry is none.
    #expect(fault(at: 0x7F9, { $0.set(Object.relaSize, 23) }) == nil)
    #expect(
      self.fault {
        $0.set(Object.plt, Object.relocations)
        $0.set(Object.pltSize, 24)
        $0.putRelocation(at: 0x7F9)
      } == outside)
    #expect(
      self.fault {
        $0.set(Object.relr, 0x7F0)
        $0.set(Object.relrSize, 16)
      } == nil)
    #expect(
      self.fault {
        $0.set(Object.relr, 0x7F0)
        $0.set(Object.relrSize, 17)
      } == missing)
    #expect(self.fault { $0.set(Object.relr, 0x800) } == nil)
    #expect(self.fault { $0.set(Object.relr, 0x801) } == missing)
  }

  /// A number for each of two symbols, and one entry of the others at least.
  @Test func versionsAreInTheFile() {
    for (tag, last) in [
      (Object.versions, 0x7FC), (Object.versionsNeeded, 0x7F0), (Object.versionsDefined, 0x7EC),
    ] as [(UInt64, UInt64)] {
      #expect(fault { $0.set(tag, last) } == nil)
      #expect(fault { $0.set(tag, last + 1) } == "its versions are not in the file")
    }
  }
}
