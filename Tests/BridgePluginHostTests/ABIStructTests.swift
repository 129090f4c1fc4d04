import BridgePluginABI
import Testing

@testable import BridgePluginHost

/// Structs of plugins that know less, or more, than this host.
@Suite struct ABIStructTests {
  /// A struct of a plugin, of 8-byte words: the first is its size, the others are 1, 2, and so on.
  private func words(_ size: UInt64, _ count: Int) -> [UInt64] {
    [size] + (1..<max(count, 1)).map { UInt64($0) }
  }

  private func read(_ words: [UInt64], known: Int = 32, released: Int = 24) -> ([UInt64], String?) {
    var copy = [UInt64](repeating: 0, count: known / 8)
    do {
      try words.withUnsafeBytes { words in
        try copy.withUnsafeMutableBytes { copy in
          try ABIStruct.read(
            words.baseAddress, into: copy.baseAddress!, known, "thing", released: released)
        }
      }
      return (copy, nil)
    } catch {
      return (copy, "\(error)")
    }
  }

  @Test func whatBothKnowIsRead() {
    #expect(read(words(32, 4)) == ([32, 1, 2, 3], nil))
    // What an older plugin does not know is zero.
    #expect(read(words(24, 4)) == ([24, 1, 2, 0], nil))
    // What only a newer one knows must be zero.
    #expect(read([40, 1, 2, 3, 0]) == ([40, 1, 2, 3], nil))
    for extra in [[4, 0], [0, 4]] as [[UInt64]] {
      #expect(
        read([48, 1, 2, 3] + extra).1
          == "thing uses fields past byte 32, which this host does not know: the plugin is made for a newer one"
      )
    }
  }

  @Test func sizesHaveBounds() {
    for size: UInt64 in [0, 8, 16, 25, 31, 1 << 16 + 8] {
      #expect(
        read(words(size, 4)).1 == "thing.size is \(size); set it to sizeof(thing), 24 or more")
    }
    #expect(read([1 << 16] + [UInt64](repeating: 0, count: 1 << 13 - 1)).1 == nil)
    let null = #expect(throws: PluginError.self) {
      var copy: UInt64 = 0
      try ABIStruct.read(nil, into: &copy, 8, "thing", released: 8)
    }
    #expect(null?.description == "thing is NULL")
  }

  private func written(_ target: [UInt64], _ value: [UInt64]) throws -> [UInt64] {
    var target = target
    try target.withUnsafeMutableBytes { target in
      try value.withUnsafeBytes { value in
        try ABIStruct.write(
          value.baseAddress!, value.count, to: target.baseAddress, "thing", released: 16)
      }
    }
    return target
  }

  @Test func asMuchIsWrittenAsThePluginHasRoomFor() throws {
    // The size stays; so does what is behind it.
    #expect(try written([24, 7, 7, 7], [32, 1, 2, 3]) == [24, 1, 2, 7])
    #expect(try written([32, 7, 7, 7], [32, 1, 2, 3]) == [32, 1, 2, 3])
    #expect(try written([16, 7, 7], [32, 1, 2, 3]) == [16, 1, 7])
    // What the host does not know is zero.
    #expect(try written([48, 7, 7, 7, 7, 7, 7], [32, 1, 2, 3]) == [48, 1, 2, 3, 0, 0, 7])
    for size: UInt64 in [0, 8, 17] {
      #expect(throws: PluginError.self) { try written([size, 7, 7, 7], [32, 1, 2, 3]) }
    }
    let null = #expect(throws: PluginError.self) {
      var value: UInt64 = 8
      try ABIStruct.write(&value, 8, to: nil, "thing", released: 8)
    }
    #expect(null?.description == "the place of thing is NULL")
  }

  @Test func unknownBitsAreNamed() throws {
    try ABIStruct.check(flags: 0b101, known: [1, 4], "thing.flags")
    try ABIStruct.check(flags: 0, known: [], "thing.flags")
    let error = #expect(throws: PluginError.self) {
      try ABIStruct.check(flags: 0x15, known: [1, 4], "thing.flags")
    }
    #expect(error?.description == "thing.flags has the unknown bits 0x10")
    try ABIStruct.check(reserved: 0, "thing.reserved")
    let reserved = #expect(throws: PluginError.self) {
      try ABIStruct.check(reserved: 1, "thing.reserved")
    }
    #expect(reserved?.description == "thing.reserved must be 0")
  }

  @Test func listsHaveWhatTheirCountSays() throws {
    let numbers = UnsafeMutablePointer<Int32>.allocate(capacity: 3)
    defer { numbers.deallocate() }
    for index in 0..<3 { numbers[index] = Int32(index) }
    let list = UnsafePointer(numbers)
    #expect(try Array(ABIStruct.list(list, 3, "list")) == [0, 1, 2])
    #expect(try ABIStruct.list(list, 0, "list").isEmpty)
    #expect(try ABIStruct.list(list, 1 << 24, "list").count == 1 << 24)
    for count in [-1, 1 << 24 + 1] {
      let error = #expect(throws: PluginError.self) { _ = try ABIStruct.list(list, count, "list") }
      #expect(error?.description == "list has no \(count) elements")
    }
    let none: UnsafePointer<Int32>? = nil
    #expect(try ABIStruct.list(none, 0, "list").isEmpty)
    let error = #expect(throws: PluginError.self) { _ = try ABIStruct.list(none, 2, "list") }
    #expect(error?.description == "list is NULL, and its count is 2")
  }

  /// None of this host's structs is smaller than the first release had it.
  @Test func theFirstReleaseIsWhatTheHeadersSay() {
    typealias Released = ABIStruct.Released
    #expect(Released.plugin == MemoryLayout<bridge_plugin>.size)
    #expect(Released.tool == MemoryLayout<bridge_tool>.size)
    #expect(Released.parameter == MemoryLayout<bridge_parameter>.size)
    #expect(Released.output == MemoryLayout<bridge_output>.size)
    #expect(Released.error == MemoryLayout<bridge_error>.size)
    #expect(Released.request == MemoryLayout<bridge_request>.size)
    #expect(Released.outcome == MemoryLayout<bridge_outcome>.size)
    #expect(Released.variable == MemoryLayout<bridge_variable>.size)
    #expect(Released.write == MemoryLayout<bridge_write>.size)
    #expect(Released.creation == MemoryLayout<bridge_creation>.size)
    #expect(Released.subscription == MemoryLayout<bridge_subscription>.size)
  }
}
