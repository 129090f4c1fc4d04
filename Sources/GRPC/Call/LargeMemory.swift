internal import Glibc

extension [UInt8] {
  /// From here on an array's memory is large.
  private static var large: Int { 4 * 1024 * 1024 }

  /// As `reserveCapacity`. The system is asked to give large memory in huge pages: it is new as a rule, and to
  /// get it page by page takes as long as what is copied into it.
  ///
  /// Source: madvise(2), MADV_HUGEPAGE. Where there are no huge pages, nothing changes.
  package mutating func reserveLargeCapacity(_ capacity: Int) {
    reserveCapacity(capacity)
    guard capacity >= Self.large else { return }
    withUnsafeMutableBufferPointer { space in
      let pageSize = UInt(sysconf(CInt(_SC_PAGESIZE)))
      let address = UInt(bitPattern: space.baseAddress)
      let start = (address + pageSize - 1) & ~(pageSize - 1)
      let end = (address + UInt(capacity)) & ~(pageSize - 1)
      _ = madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_HUGEPAGE)
    }
  }

  /// A copy of bytes that may be many.
  package init(copyingLarge bytes: UnsafeRawBufferPointer) {
    self = []
    reserveLargeCapacity(bytes.count)
    append(contentsOf: bytes)
  }
}
