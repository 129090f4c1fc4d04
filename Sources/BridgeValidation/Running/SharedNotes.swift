internal import Glibc

/// Memory that the process of a test shares with the one that has made it: what the test found, and where it
/// was when it ended otherwise.
///
/// Written without system calls, and read when the process is gone. The plugin's code can write to it, too:
/// it is read as what somebody else wrote.
final class SharedNotes {
  private static let placeRoom = 64 << 10
  private static let replayRoom = 2 << 20
  private static let resultRoom = 2 << 20
  private static let size = 64 + placeRoom + replayRoom + resultRoom

  private let memory: UnsafeMutableRawPointer

  /// - Returns: nil where there is no memory.
  init?() {
    let memory = mmap(
      nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    // MAP_FAILED: no memory is left.
    guard let memory, memory != UnsafeMutableRawPointer(bitPattern: -1) else { return nil }
    self.memory = memory
  }

  deinit { munmap(memory, Self.size) }

  private enum Part: Int {
    case place = 0
    case replay = 1
    case result = 2

    var room: Int { [placeRoom, replayRoom, resultRoom][rawValue] }
    var offset: Int { 64 + [0, placeRoom, placeRoom + replayRoom][rawValue] }
  }

  private func write(_ text: String, to part: Part) {
    var text = text
    text.withUTF8 { bytes in
      let count = min(bytes.count, part.room)
      memory.storeBytes(of: 0, toByteOffset: part.rawValue * 8, as: Int.self)
      if count > 0 {
        (memory + part.offset).copyMemory(from: bytes.baseAddress!, byteCount: count)
      }
      memory.storeBytes(of: count, toByteOffset: part.rawValue * 8, as: Int.self)
    }
  }

  private func read(_ part: Part) -> String {
    let count = memory.load(fromByteOffset: part.rawValue * 8, as: Int.self)
    guard (1...part.room).contains(count) else { return "" }
    return String(
      decoding: UnsafeRawBufferPointer(start: memory + part.offset, count: count), as: UTF8.self)
  }

  /// What is being done, as "calling scale with {}".
  var place: String {
    get { read(.place) }
    set { write(newValue, to: .place) }
  }

  /// What the test is being run with, for a file to run it again from.
  var replay: String {
    get { read(.replay) }
    set { write(newValue, to: .replay) }
  }

  /// What was found, once the test is through; empty before.
  var result: String {
    get { read(.result) }
    set { write(newValue, to: .result) }
  }
}
