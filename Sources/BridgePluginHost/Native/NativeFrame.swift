internal import BridgeSessions
internal import BridgeTools
internal import Glibc

/// The memory of one call of a C function: its arguments as libffi takes them, and what they point to.
///
/// Belongs to the thread of the call.
final class NativeFrame {
  /// What the arguments are, one each: libffi takes pointers to them.
  let arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  /// Memory for what is returned; narrow numbers take a whole register.
  let returned: UnsafeMutableRawPointer
  private let slots: UnsafeMutablePointer<UInt64>
  private var owned: [UnsafeMutableRawPointer] = []
  /// What arguments point into, and must stay until the call is over.
  private var kept: [AnyObject] = []
  private var regions: [Int: Region] = [:]

  /// Elements behind a pointer.
  struct Region {
    let memory: UnsafeMutableRawPointer
    /// How many there are, or there is room for.
    let count: Int
    /// One length a dimension; empty for what is not an array.
    var shape: [Int] = []
  }

  init(parameters: Int, returnedSize: Int) {
    arguments = .allocate(capacity: max(parameters, 1))
    slots = .allocate(capacity: max(parameters, 1))
    slots.initialize(repeating: 0, count: max(parameters, 1))
    for index in 0..<parameters { arguments[index] = UnsafeMutableRawPointer(slots + index) }
    let size = max(returnedSize, 16)
    returned = .allocate(byteCount: size, alignment: 16)
    returned.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }

  deinit {
    for memory in owned { memory.deallocate() }
    arguments.deallocate()
    slots.deallocate()
    returned.deallocate()
  }

  /// Where a parameter's own bytes are: a number, or a pointer.
  func slot(_ index: Int) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(slots + index) }

  func store(pointer: UnsafeRawPointer?, at index: Int) {
    slot(index).storeBytes(of: pointer, as: UnsafeRawPointer?.self)
  }

  /// The arguments of those parameters that the function takes.
  func passed(_ isPassed: [Bool]) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    var count = 0
    for (index, isPassed) in isPassed.enumerated() where isPassed {
      arguments[count] = arguments[index]
      count += 1
    }
    return arguments
  }

  /// Memory that lives as long as the call, all zero.
  func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    // Aligned for everything that C has.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 16), alignment: 16)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 16))
    owned.append(memory)
    return memory
  }

  func keep(_ object: AnyObject) { kept.append(object) }

  func region(_ index: Int) -> Region? { regions[index] }

  func setRegion(_ region: Region, of index: Int) {
    regions[index] = region
    store(pointer: region.memory, at: index)
  }

  /// Memory that a parameter points to, for what the function writes there.
  func makeCell(_ size: Int, at index: Int) -> UnsafeMutableRawPointer {
    let cell = allocate(size)
    store(pointer: cell, at: index)
    return cell
  }

  /// What a parameter points to; nil for a null pointer.
  func cell(_ index: Int) -> UnsafeMutableRawPointer? {
    slot(index).load(as: UnsafeMutableRawPointer?.self)
  }
}

/// Bytes that stay where they are.
final class NativeBytes {
  private let bytes: [UInt8]
  /// Constant: nobody may write to it.
  let memory: UnsafeMutableRawPointer

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // The memory of an array that nobody changes stays. An empty one has none.
    memory = bytes.withUnsafeBytes {
      UnsafeMutableRawPointer(mutating: $0.baseAddress ?? Self.nothing)
    }
  }

  // @unchecked by its use: nobody reads or writes behind it.
  private nonisolated(unsafe) static let nothing = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16))
}
