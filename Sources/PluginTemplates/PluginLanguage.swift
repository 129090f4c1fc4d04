/// A language that a plugin can begin in.
public enum PluginLanguage: String, CaseIterable, Sendable {
  case swift, c, cpp, rust, zig, go

  /// What people call it.
  public var title: String {
    switch self {
    case .swift: "Swift"
    case .c: "C"
    case .cpp: "C++"
    case .rust: "Rust"
    case .zig: "Zig"
    case .go: "Go"
    }
  }

  /// The programs that build a plugin in it; each is one that the machine's search path must have.
  public var programs: [[String]] {
    switch self {
    case .swift: [["swift"]]
    case .c: [["make"], ["cc", "gcc", "clang"]]
    case .cpp: [["cmake"], ["make", "ninja"], ["c++", "g++", "clang++"]]
    case .rust: [["cargo"], ["cc", "gcc", "clang"]]
    case .zig: [["zig"]]
    case .go: [["go"], ["make"], ["cc", "gcc", "clang"]]
    }
  }

  /// What installs these programs.
  public var installation: String {
    switch self {
    case .swift: "Swift is not part of Debian 12: https://www.swift.org/install/linux/"
    case .c: "apt-get install gcc make"
    case .cpp: "apt-get install g++ cmake make"
    case .rust: "apt-get install cargo gcc"
    case .zig: "Zig 0.13 is not part of Debian 12: https://ziglang.org/download/"
    case .go: "apt-get install golang-go gcc make"
    }
  }

  /// What builds the plugin, in its folder.
  public var buildCommand: String {
    switch self {
    case .swift: "swift build"
    case .c, .go: "make"
    case .cpp: "cmake -B build && cmake --build build"
    case .rust: "cargo build --release"
    case .zig: "zig build"
    }
  }

  /// What runs its tests.
  public var testCommand: String {
    switch self {
    case .swift: "swift test"
    case .c, .go: "make test"
    case .cpp: "ctest --test-dir build --output-on-failure"
    case .rust: "cargo test --release"
    case .zig: "zig build test"
    }
  }

  /// The shared object that the command leaves in the folder.
  public var product: String {
    switch self {
    case .swift: ".build/debug/libMyPlugin.so"
    case .c, .cpp, .go: "build/my-plugin.so"
    case .rust: "target/release/libmy_plugin.so"
    case .zig: "zig-out/lib/libmy-plugin.so"
    }
  }
}
