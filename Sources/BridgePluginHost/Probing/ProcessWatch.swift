internal import Glibc

/// Notes what code of a plugin must leave alone in its process, and tells what has become of it.
///
/// What the host relies on is put back. Not thread-safe.
package final class ProcessWatch {
  private var state = ProcessState()

  /// Notes the present state.
  package init() {}

  /// What has changed since the last look, each in a few words.
  package func changes() -> [String] { state.restore() }

  /// What the process has open, by number: what each leads to.
  package static var descriptors: [CInt: String] {
    var open: [CInt: String] = [:]
    for name in entries(of: "/proc/self/fd") {
      guard let number = CInt(name) else { continue }
      var target = [UInt8](repeating: 0, count: 512)
      let count = readlink("/proc/self/fd/\(name)", &target, target.count)
      // The one that the directory is read with is gone.
      guard count > 0, fcntl(number, F_GETFD) >= 0 else { continue }
      open[number] = String(decoding: target[..<count], as: UTF8.self)
    }
    return open
  }

  /// The threads of the process, by number: what each is called.
  package static var threads: [CInt: String] {
    var threads: [CInt: String] = [:]
    for name in entries(of: "/proc/self/task") {
      guard let number = CInt(name) else { continue }
      let file = open("/proc/self/task/\(name)/comm", O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { continue }
      var text = [UInt8](repeating: 0, count: 64)
      let count = read(file, &text, text.count)
      close(file)
      threads[number] = String(
        decoding: text.prefix(max(count, 0)).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
    return threads
  }

  /// The file that an address of the process comes from; nil where it comes from none.
  ///
  /// Source: proc(5), /proc/pid/maps.
  package static func file(at address: UInt) -> String? {
    let maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
    guard maps >= 0 else { return nil }
    defer { close(maps) }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = read(maps, &part, part.count), count > 0 { text += part[..<count] }
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
      let ends = words[0].split(separator: UInt8(ascii: "-")).map {
        UInt(String(decoding: $0, as: UTF8.self), radix: 16) ?? 0
      }
      guard ends.count == 2, ends[0] <= address, address < ends[1] else { continue }
      guard words.count == 6 else { return nil }
      return String(decoding: words[5].drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
    }
    return nil
  }

  private static func entries(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }
}
