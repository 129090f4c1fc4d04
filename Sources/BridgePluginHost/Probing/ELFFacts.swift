/// What a shared object's headers and symbols say, for who judges the file instead of loading it.
package struct ELFFacts: Sendable {
  /// What one has in its table of symbols.
  package struct Symbol: Sendable, Equatable {
    /// As linkers know it.
    package let name: String
    /// Where it is, from the object's beginning; 0 where it is not defined here.
    package let address: UInt64
    /// Bytes that belong to it; 0 where it is not told.
    package let size: UInt64
    /// Whether it is here, and not looked for elsewhere.
    package let isDefined: Bool
    /// Whether it is a function.
    package let isFunction: Bool
    /// Whether the object does without it.
    package let isWeak: Bool
    /// Whether others find it, as far as its binding and visibility say.
    package let isGlobal: Bool
    /// Whether all objects of the process share it, and none of those that have it can go.
    package let isUnique: Bool
  }

  /// What the loader sees.
  package let dynamicSymbols: [Symbol]
  /// All that the linker knew; empty where the file was stripped.
  package let localSymbols: [Symbol]
  /// The names of the libraries it needs.
  package let needed: [String]
  /// What others need it by; empty where it has no name.
  package let name: String
  /// Where the libraries it needs are looked for first.
  package let searchPath: [String]
  /// Whether its code has to be changed to be loaded; the symbols are then not known.
  package let hasTextRelocations: Bool
  /// Whether it asks for stacks whose content can be run; true where it does not say.
  package let wantsExecutableStack: Bool
  /// Whether a part of it can be both written and run.
  package let hasWritableCode: Bool
  /// Whether it can never be unmapped (DF_1_NODELETE).
  package let staysMapped: Bool

  /// The names of its sections.
  package let sections: Set<String>

  /// Whether it brings a runtime that has threads and signals of its own from the start, as Go's, of which the
  /// author of a plugin has no choice.
  package var hasOwnRuntime: Bool { sections.contains(".go.buildinfo") }

  /// Reads a whole file.
  ///
  /// - Throws: `PluginError` where it is none that can be loaded.
  package init(_ file: UnsafeRawBufferPointer) throws(PluginError) {
    var image: ELFImage?
    do throws(ELFImage.Fault) {
      image = try ELFImage(file)
    } catch  where error.isTextRelocation {
      // The rest is still to be told.
    } catch {
      throw PluginError(error.message)
    }
    let headers = Headers(file)
    hasTextRelocations = image == nil
    needed = image?.needed ?? []
    name = image?.name ?? ""
    searchPath = image?.searchPath ?? []
    wantsExecutableStack = headers.stackFlags.map { $0 & 1 != 0 } ?? true
    hasWritableCode = headers.hasWritableCode
    staysMapped = headers.staysMapped
    sections = headers.sections
    dynamicSymbols =
      image.map {
        Self.symbols(
          file, $0.symbolTable.offset, $0.symbolTable.count, $0.symbolTable.names,
          $0.symbolTable.namesSize)
      } ?? []
    localSymbols =
      headers.table.map { Self.symbols(file, $0.offset, $0.size / 24, $0.names, $0.namesSize) }
      ?? []
  }

  /// The function that an address is in, with the name that its author gave it; nil where none is known.
  ///
  /// - Parameter address: From the object's beginning.
  package func function(at address: UInt64) -> Symbol? {
    let all = localSymbols.isEmpty ? dynamicSymbols : localSymbols
    return all.last {
      $0.isDefined && $0.isFunction && $0.address <= address
        && address - $0.address < max($0.size, 1)
    }
  }

  private static func symbols(
    _ file: UnsafeRawBufferPointer, _ offset: UInt64, _ count: UInt64, _ names: UInt64,
    _ namesSize: UInt64
  ) -> [Symbol] {
    func fits(_ place: UInt64, _ size: UInt64) -> Bool {
      place <= UInt64(file.count) && UInt64(file.count) - place >= size
    }
    guard count < 1 << 24, fits(offset, count * 24), fits(names, namesSize) else { return [] }
    let texts = UnsafeRawBufferPointer(rebasing: file[Int(names)..<Int(names + namesSize)])
    return (0..<Int(count)).compactMap { index in
      let place = Int(offset) + index * 24
      let nameOffset = Int(file.loadUnaligned(fromByteOffset: place, as: UInt32.self))
      guard nameOffset > 0, nameOffset < texts.count else { return nil }
      let information = file[place + 4]
      let visibility = file[place + 5] & 3
      let (binding, type) = (information >> 4, information & 0xF)
      let isDefined = file.loadUnaligned(fromByteOffset: place + 6, as: UInt16.self) != 0
      // STT_SECTION and STT_FILE are names for linkers.
      guard type != 3, type != 4 else { return nil }
      return Symbol(
        name: String(decoding: texts[nameOffset...].prefix { $0 != 0 }, as: UTF8.self),
        address: file.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self),
        size: file.loadUnaligned(fromByteOffset: place + 16, as: UInt64.self),
        isDefined: isDefined, isFunction: type == 2 || type == 10, isWeak: binding == 2,
        // STB_LOCAL is 0; hidden and internal symbols are found by nobody.
        isGlobal: binding != 0 && (visibility == 0 || visibility == 3), isUnique: binding == 10)
    }
  }

  /// What only judges look at. The headers lie in the file: `ELFImage` has seen to that.
  private struct Headers {
    var stackFlags: UInt32?
    var hasWritableCode = false
    var staysMapped = false
    var sections: Set<String> = []
    var table: (offset: UInt64, size: UInt64, names: UInt64, namesSize: UInt64)?

    init(_ file: UnsafeRawBufferPointer) {
      func number(_ place: UInt64) -> UInt64 {
        guard place <= UInt64(file.count), UInt64(file.count) - place >= 8 else { return 0 }
        return file.loadUnaligned(fromByteOffset: Int(place), as: UInt64.self)
      }
      func short(_ place: UInt64) -> UInt64 { number(place) & 0xFFFF }
      func half(_ place: UInt64) -> UInt64 { number(place) & 0xFFFF_FFFF }
      let segments = number(32)
      for index in 0..<short(56) {
        let header = segments &+ index * 56
        let flags = UInt32(half(header + 4))
        switch half(header) {
        case 1: if flags & 3 == 3 { hasWritableCode = true }
        // PT_DYNAMIC
        case 2: readDynamic(number(header + 8), number(header + 32), number)
        // PT_GNU_STACK
        case 0x6474_E551: stackFlags = flags
        default: break
        }
      }
      let first = number(40)
      // The section that holds the names of all.
      let names = number(first &+ short(62) * 64 &+ 24)
      for index in 0..<short(60) {
        let header = first &+ index * 64
        sections.insert(Self.text(file, at: names &+ half(header)))
        // SHT_SYMTAB, whose link is the table of names.
        guard half(header + 4) == 2 else { continue }
        let link = first &+ half(header + 40) * 64
        table = (number(header + 24), number(header + 32), number(link + 24), number(link + 32))
      }
    }

    private static func text(_ file: UnsafeRawBufferPointer, at place: UInt64) -> String {
      guard place < UInt64(file.count) else { return "" }
      return String(decoding: file[Int(place)...].prefix(64).prefix { $0 != 0 }, as: UTF8.self)
    }

    private mutating func readDynamic(
      _ offset: UInt64, _ size: UInt64, _ number: (UInt64) -> UInt64
    ) {
      guard size < 1 << 20 else { return }
      for entry in stride(from: offset, to: offset &+ size, by: 16) {
        // DT_FLAGS_1, DF_1_NODELETE.
        if number(entry) == 0x6FFF_FFFB, number(entry + 8) & 8 != 0 { staysMapped = true }
        if number(entry) == 0 { break }
      }
    }
  }
}
