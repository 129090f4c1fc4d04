import FuzzTargets
import Glibc
import Testing

/// Tries spoiled input on everything that reads what somebody else wrote.
///
/// What once failed is kept in `Tests/Fuzz/Corpus`, with inputs worth beginning from. FUZZ_SECONDS
/// says how long each target is tried beyond that, FUZZ_SEED where to begin; a failure prints its
/// input, and is to be kept as a new file. `Scripts/fuzz` goes on where this ends: it looks at what
/// code an input reaches.
@Suite(.serialized) struct FuzzTests {
  @Test(arguments: FuzzTarget.allCases)
  func corpus(target: FuzzTarget) throws {
    let inputs = Corpus.load(target)
    #expect(!inputs.isEmpty)
    for input in inputs { try target.run(input) }
  }

  @Test(arguments: FuzzTarget.allCases)
  func spoiled(target: FuzzTarget) throws {
    let seed = UInt64(setting("FUZZ_SEED") ?? 1)
    var random = SeededGenerator(seed: seed)
    let corpus = Corpus.load(target)
    let end = setting("FUZZ_SECONDS").map { time(nil) + $0 }
    var count = 0
    // Without a time, so many rounds that a test run hardly notices.
    while end.map({ time(nil) < $0 }) ?? (count < 2_000) {
      var input = random.pick(corpus)
      if target == .connection && !random.chance(4) {
        input = Frames.conversation(using: &random)
      }
      if !random.chance(4) { input = Mutator.mutate(input, with: corpus, using: &random) }
      Corpus.note(input, for: target)
      do {
        try target.run(input)
      } catch {
        Issue.record("\(error), with the input \(input)")
        return
      }
      count += 1
    }
    Corpus.note(nil, for: target)
    print("\(target): \(count) inputs from seed \(seed)")
  }

  private func setting(_ name: String) -> Int? {
    getenv(name).flatMap { Int(String(cString: $0)) }
  }
}

/// Inputs kept as files: `Corpus/<target>/<what>`.
enum Corpus {
  private static let root: String = {
    let file = #filePath
    return file[..<file.lastIndex(of: "/")!] + "/../Corpus"
  }()

  static func load(_ target: FuzzTarget) -> [[UInt8]] {
    let directory = "\(root)/\(target)"
    guard let list = opendir(directory) else { return [] }
    defer { closedir(list) }
    var names: [String] = []
    while let entry = readdir(list) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted().map { read("\(directory)/\($0)") }
  }

  private static func read(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY)
    precondition(file >= 0, "cannot read \(path)")
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
    }
  }

  /// Leaves the input that is tried now in a file, which is what remains of it after a crash:
  /// FUZZ_LAST names it.
  static func note(_ input: [UInt8]?, for target: FuzzTarget) {
    guard let name = getenv("FUZZ_LAST") else { return }
    let path = "\(String(cString: name))-\(target)"
    guard let input else {
      unlink(path)
      return
    }
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0 else { return }
    _ = write(file, input, input.count)
    close(file)
  }
}
