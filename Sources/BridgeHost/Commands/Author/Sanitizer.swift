internal import ArgumentParser
internal import Glibc

/// A sanitizer that a plugin is built with, and this program is not.
enum Sanitizer: String, ExpressibleByArgument, CaseIterable {
  case address, thread, undefined

  /// A symbol that only its library has.
  var symbol: String {
    switch self {
    case .address: "__asan_"
    case .thread: "__tsan_"
    case .undefined: "__ubsan_"
    }
  }

  private var gccLibrary: String {
    switch self {
    case .address: "libasan.so"
    case .thread: "libtsan.so"
    case .undefined: "libubsan.so"
    }
  }

  private var clangLibrary: String {
    #if arch(x86_64)
      let machine = "x86_64"
    #else
      let machine = "aarch64"
    #endif
    return switch self {
    case .address: "libclang_rt.asan-\(machine).so"
    case .thread: "libclang_rt.tsan-\(machine).so"
    case .undefined: "libclang_rt.ubsan_standalone-\(machine).so"
    }
  }

  private static let mark = "BRIDGE_HOST_SANITIZER"

  /// Starts this program again with the library loaded first, unless it has been already.
  ///
  /// - Throws: `PlainError` when the library is not to be found.
  func restartIfNeeded(for file: String) throws {
    if getenv(Self.mark) != nil { return }
    setenv(Self.mark, rawValue, 1)
    setenv("LD_PRELOAD", try library(for: file), 1)
    if self == .address, getenv("ASAN_OPTIONS") == nil {
      // This program keeps what plugins may still use: that is no leak.
      setenv("ASAN_OPTIONS", "detect_leaks=0", 1)
    }
    try Call.replaceProcess([try Call.program] + CommandLine.arguments.dropFirst())
  }

  /// The library that the file is built for: what it needs says so with gcc; clang's is found by clang.
  private func library(for file: String) throws -> String {
    // The compiler that has linked the file is named in it as a rule; both are asked.
    let compilers =
      Self.output("readelf -d '\(file.replacing("'", with: "'\\''"))' 2>/dev/null")
        .contains(gccLibrary)
      ? [("gcc", gccLibrary), ("clang", clangLibrary)]
      : [("clang", clangLibrary), ("gcc", gccLibrary)]
    for (compiler, name) in compilers {
      let path = Self.output("\(compiler) -print-file-name=\(name) 2>/dev/null")
      if path.hasPrefix("/"), access(path, R_OK) == 0 { return path }
    }
    throw PlainError(
      "the library of the \(rawValue) sanitizer is not found: neither gcc nor clang has "
        + "\(gccLibrary) or \(clangLibrary)")
  }

  private static func output(_ command: String) -> String {
    guard let pipe = popen(command, "r") else { return "" }
    defer { pclose(pipe) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, pipe)
    var text = String(decoding: bytes.prefix(count), as: UTF8.self)
    while text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
