import Testing

@testable import BridgePluginHost

@Suite struct HandleTableTests {
  private final class Object: Sendable {}

  @Test func staleAndForeignHandlesFindNothing() {
    let table = HandleTable<Object>(kind: 5)
    let other = HandleTable<Object>(kind: 6)
    let object = Object()
    let handle = table.insert(object)
    #expect(table[handle] === object)
    #expect(other[handle] == nil)
    #expect(table[nil] == nil)
    #expect(table[OpaquePointer(bitPattern: 0xDEAD_BEEF)] == nil)
    #expect(table.remove(handle) === object)
    #expect(table[handle] == nil)
    #expect(table.remove(handle) == nil)
    let next = table.insert(Object())
    #expect(next != handle)
    #expect(table[handle] == nil)
  }

  @Test func slotsAreReused() {
    let table = HandleTable<Object>(kind: 5)
    var seen: Set<OpaquePointer> = []
    for _ in 0..<1000 {
      let handle = table.insert(Object())
      #expect(seen.insert(handle).inserted)
      table.remove(handle)
    }
  }
}
