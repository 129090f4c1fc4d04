import Glibc
import Testing

@testable import BridgePluginHost

@Suite struct MemoryMapTests {
  @Test func codeIsToldFromData() throws {
    let code = try #require(dlsym(nil, "malloc"))
    #expect(MemoryMap.isExecutable(code))
    let data = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
    defer { data.deallocate() }
    #expect(!MemoryMap.isExecutable(data))
    // The first page is never mapped.
    #expect(!MemoryMap.isExecutable(try #require(UnsafeMutableRawPointer(bitPattern: 8))))
  }

  /// A page of code between two of data: its first byte and its last.
  @Test func pagesHaveEnds() throws {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    let memory = try #require(
      mmap(nil, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    defer { munmap(memory, 3 * page) }
    try #require(mprotect(memory + page, page, PROT_READ | PROT_EXEC) == 0)
    for (offset, isCode) in [
      (0, false), (page - 1, false), (page, true), (2 * page - 1, true), (2 * page, false),
    ] {
      #expect(MemoryMap.isExecutable(memory + offset) == isCode, "\(offset)")
    }
  }
}
