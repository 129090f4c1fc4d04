internal import Threads

/// Tables of functions beside those of the ABI, which plugins ask for by name and revision.
///
/// Of version 1.0 there is none. Thread-safe.
enum HostExtensions {
  private struct Key: Hashable {
    let name: String
    let revision: UInt32
  }

  private static let tables = Locked<[Key: UInt]>([:])

  /// Offers a table to all plugins.
  ///
  /// - Parameter table: Stays for the life of the process.
  static func offer(_ table: UnsafeRawPointer, _ name: String, revision: UInt32) {
    tables.withLock { $0[Key(name: name, revision: revision)] = UInt(bitPattern: table) }
  }

  /// The table of a name and revision; nil where there is none.
  static func table(_ name: String, revision: UInt32) -> UnsafeRawPointer? {
    tables.withLock { $0[Key(name: name, revision: revision)] }
      .flatMap { UnsafeRawPointer(bitPattern: $0) }
  }
}
