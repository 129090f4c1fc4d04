internal import BridgePluginABI

/// Reading and writing structs whose memory belongs to a plugin, which may know less or more of them.
///
/// Nothing here is generic, nor are uses of these structs elsewhere: in a process where Swift's runtime is
/// shared, a plugin in Swift that was built with other headers has types of the same names, and what generic
/// code takes for a type's size may be that of the plugin's.
///
/// What both sides know is read and written. What the plugin does not know counts as zero; what the host
/// does not know must be zero when it is asked for something, and is written as zero.
enum ABIStruct {
  /// The sizes of structs as version 1.0 has them: none is smaller.
  enum Released {
    static let plugin = 120
    static let tool = 144
    static let parameter = 88
    static let output = 56
    static let error = 64
    static let request = 88
    static let outcome = 88
    static let variable = 96
    static let write = 104
    static let creation = 96
    static let subscription = 40
  }

  /// No version makes one so large: what says so is no size.
  private static let sizeLimit = 1 << 16

  /// Reads a struct with which a plugin asks for something.
  ///
  /// - Parameters:
  ///   - copy: The host's own struct, which is all zero.
  ///   - known: Its size.
  /// - Throws: `PluginError` when it is NULL, has no size, or says what this host does not know.
  static func read(
    _ pointer: UnsafeRawPointer?, into copy: UnsafeMutableRawPointer, _ known: Int,
    _ name: StaticString, released: Int
  ) throws(PluginError) {
    guard let pointer else { throw PluginError("\(name) is NULL") }
    let size = try size(of: pointer, name, released)
    copy.copyMemory(from: pointer, byteCount: min(size, known))
    for offset in stride(from: known, to: size, by: 8)
    where pointer.load(fromByteOffset: offset, as: UInt64.self) != 0 {
      throw PluginError(
        "\(name) uses fields past byte \(known), which this host does not know: the plugin is made for "
          + "a newer one")
    }
  }

  /// Fills in a struct of a plugin, as far as the plugin has set its size.
  ///
  /// - Parameters:
  ///   - value: The host's own struct.
  ///   - known: Its size.
  /// - Throws: `PluginError` when it is NULL or has no size.
  static func write(
    _ value: UnsafeRawPointer, _ known: Int, to target: UnsafeMutableRawPointer?,
    _ name: StaticString, released: Int
  ) throws(PluginError) {
    guard let target else { throw PluginError("the place of \(name) is NULL") }
    let size = try size(of: UnsafeRawPointer(target), name, released)
    let common = min(size, known)
    // The size, its first member, stays what its owner has set.
    (target + 4).copyMemory(from: value + 4, byteCount: common - 4)
    if size > common {
      (target + common).initializeMemory(as: UInt8.self, repeating: 0, count: size - common)
    }
  }

  /// Copies a table to a place that stays for the life of the process.
  static func placed(_ table: UnsafeRawPointer, _ size: Int) -> UnsafeRawPointer {
    let place = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
    place.copyMemory(from: table, byteCount: size)
    return UnsafeRawPointer(place)
  }

  private static func size(
    of pointer: UnsafeRawPointer, _ name: StaticString, _ released: Int
  ) throws(PluginError) -> Int {
    let size = Int(pointer.load(as: UInt32.self))
    guard size >= released, size <= sizeLimit, size % 8 == 0 else {
      throw PluginError("\(name).size is \(size); set it to sizeof(\(name)), \(released) or more")
    }
    return size
  }

  /// Refuses flags that this host does not know.
  static func check(
    flags: UInt32, known: [Int], _ name: StaticString
  ) throws(PluginError) {
    let unknown = known.reduce(flags) { $0 & ~UInt32($1) }
    if unknown != 0 {
      throw PluginError("\(name) has the unknown bits 0x\(String(unknown, radix: 16))")
    }
  }

  /// Refuses a reserved field that is used.
  static func check(reserved: UInt32, _ name: StaticString) throws(PluginError) {
    if reserved != 0 { throw PluginError("\(name) must be 0") }
  }

  /// The elements of a list.
  ///
  /// - Throws: `PluginError` for a count without a list, or one that no list has.
  static func list<Element>(
    _ list: UnsafePointer<Element>?, _ count: Int, _ name: StaticString
  ) throws(PluginError) -> UnsafeBufferPointer<Element> {
    guard count == 0 || list != nil else {
      throw PluginError("\(name) is NULL, and its count is \(count)")
    }
    guard count >= 0, count <= 1 << 24 else {
      throw PluginError("\(name) has no \(count) elements")
    }
    return UnsafeBufferPointer(start: list, count: count)
  }
}

/// The sizes of structs as this host is built with them.
enum ABILayout {
  static var plugin: Int { MemoryLayout<bridge_plugin>.size }
  static var tool: Int { MemoryLayout<bridge_tool>.size }
}
