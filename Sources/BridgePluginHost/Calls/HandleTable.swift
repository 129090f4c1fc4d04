internal import Threads

/// Objects that plugins hold by handle.
///
/// A handle is a number in the shape of a pointer: kind, generation, slot. A stale or made-up one
/// finds nothing. Thread-safe.
final class HandleTable<Object: AnyObject & Sendable>: Sendable {
  private struct Slot {
    var generation: UInt32 = 0
    var object: Object?
  }

  private struct State {
    var slots: [Slot] = []
    var free: [Int] = []
  }

  private let kind: UInt
  private let state = Locked(State())

  /// - Parameter kind: 1 to 15, one for each table: a handle of another kind finds nothing.
  init(kind: UInt) { self.kind = kind }

  func insert(_ object: Object) -> OpaquePointer {
    let bits = state.withLock { state -> UInt in
      let index: Int
      if let free = state.free.popLast() {
        index = free
      } else {
        index = state.slots.count
        state.slots.append(Slot())
      }
      state.slots[index].generation &+= 1
      state.slots[index].object = object
      return self.bits(index, state.slots[index].generation)
    }
    return OpaquePointer(bitPattern: bits)!
  }

  subscript(handle: OpaquePointer?) -> Object? {
    let bits = UInt(bitPattern: handle)
    let index = Int(bits & 0xFFF_FFFF) - 1
    return state.withLock { state in
      guard index >= 0, index < state.slots.count,
        self.bits(index, state.slots[index].generation) == bits
      else { return nil }
      return state.slots[index].object
    }
  }

  @discardableResult
  func remove(_ handle: OpaquePointer?) -> Object? {
    let bits = UInt(bitPattern: handle)
    let index = Int(bits & 0xFFF_FFFF) - 1
    return state.withLock { state in
      guard index >= 0, index < state.slots.count, let object = state.slots[index].object,
        self.bits(index, state.slots[index].generation) == bits
      else { return nil }
      state.slots[index].object = nil
      state.free.append(index)
      return object
    }
  }

  private func bits(_ index: Int, _ generation: UInt32) -> UInt {
    kind << 60 | UInt(generation) << 28 | UInt(index + 1)
  }
}

/// The tables of all handles plugins hold.
enum Handles {
  static let calls = HandleTable<PluginCall>(kind: 1)
  static let tokens = HandleTable<PluginCall>(kind: 2)
  static let snapshots = HandleTable<Snapshot>(kind: 3)
  static let watches = HandleTable<PluginWatch>(kind: 4)
  static let listeners = HandleTable<CancellationListener>(kind: 5)
  static let invocations = HandleTable<Invocation>(kind: 6)
}
